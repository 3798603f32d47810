"""Feature transformation: columns of a table to numbers, fitted on training rows and applied alike when serving.

settings = default_feature_settings(catalog.table)
transformer = FeatureTransformer.fit(training_rows, settings)
features = transformer.apply({"price": [9.5], "brand": ["Acme"], ...})
"""

from __future__ import annotations

from shopkeeper.data.transforms.base import Outcome
from shopkeeper.data.transforms.defaults import default_feature_settings
from shopkeeper.data.transforms.settings import FeatureSettings
from shopkeeper.data.transforms.text import normalize_text
from shopkeeper.data.transforms.transformer import Features, FeatureTransformer

__all__ = [
    "FeatureSettings",
    "FeatureTransformer",
    "Features",
    "Outcome",
    "default_feature_settings",
    "normalize_text",
]

"""Shopkeeper: large models for e-commerce recommendation.

`import shopkeeper` is fast: what is named here is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from shopkeeper._version import __version__

if TYPE_CHECKING:
    from shopkeeper.data.catalog import Catalog as Catalog
    from shopkeeper.data.dataset import Dataset as Dataset
    from shopkeeper.data.events import Events as Events
    from shopkeeper.data.holdout import Split as Split
    from shopkeeper.errors import ShopkeeperError as ShopkeeperError
    from shopkeeper.recommenders.base import Recommender as Recommender
    from shopkeeper.recommenders.recommendations import Recommendations as Recommendations

_HOMES = {
    "Catalog": "shopkeeper.data.catalog",
    "Dataset": "shopkeeper.data.dataset",
    "Events": "shopkeeper.data.events",
    "Split": "shopkeeper.data.holdout",
    "ShopkeeperError": "shopkeeper.errors",
    "Recommender": "shopkeeper.recommenders.base",
    "Recommendations": "shopkeeper.recommenders.recommendations",
}

__all__ = ["Catalog", "Dataset", "Events", "Recommendations", "Recommender", "ShopkeeperError", "Split", "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'shopkeeper' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

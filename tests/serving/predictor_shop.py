"""The small shop's bundle with two predictors of it: purchase of an item, and churn of a shopper."""

from __future__ import annotations

from pathlib import Path

from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.make import make_examples
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.point_in_time.features import with_features
from shopkeeper.jobs.predictors import attach
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.predictors.logistic_regression import LogisticRegression

PURCHASE = ExampleSettings(target="purchase", days=2)
CHURN = ExampleSettings(target="churn", days=5, every_days=5)


def examples(bundle: Bundle, settings: ExampleSettings) -> Examples:
    """Examples of the whole log, with features."""
    log = bundle.pipeline.memory
    return with_features(log, make_examples(log, settings))


def with_two_predictors(bundle: Path, folder: Path) -> Bundle:
    """Fits both on the log of the bundle and puts them into it."""
    loaded, folders = Bundle.load(bundle), []
    for settings in (PURCHASE, CHURN):
        folders.append(folder / settings.target)
        LogisticRegression().fit(examples(loaded, settings)).save(folders[-1])
    return attach(bundle, folders)

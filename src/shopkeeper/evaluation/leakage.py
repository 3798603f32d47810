"""The leakage check for fitted models: shuffling the future must not change a single weight."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.holdout import Split
from shopkeeper.data.leakage import Artifact, LeakageReport, check_leakage
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.recommenders.base import Recommender
from shopkeeper.training.settings import TrainingSettings


def check_models(
    dataset: Dataset,
    settings: SplitSettings,
    models: Mapping[str, Callable[[], Recommender]],
    training: TrainingSettings | None = None,
    seed: int = 0,
) -> LeakageReport:
    """Fits each model twice, with the true future and with a shuffled one, and compares what it learned.

    The models get no validation part: choosing an epoch by it is what it is for, and would differ rightly.

    Args:
        dataset: The log.
        settings: How it is split.
        models: For each name a function that makes an unfitted model.
        training: How networks are trained; give few epochs.
        seed: Seed of the shuffle.

    Returns:
        What changed, for the training part and for each model.
    """
    return check_leakage(dataset, settings, {name: _fitted(make, training) for name, make in models.items()}, seed)


def _fitted(make: Callable[[], Recommender], training: TrainingSettings | None) -> Artifact:
    def fit(split: Split) -> dict[str, NDArray[Any]]:
        return make().fit(split.train, training=training).state()

    return fit

"""Trending items: those taken more often of late than their share of all events lets expect.

A recommender of one's own in one file: its settings and its class. Moved to `src/shopkeeper/recommenders/` it is found
by its name, takes part in evaluation and passes the shared tests.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender, RecommenderConfig
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Float32Array, Int32Array

MICROSECONDS_A_DAY = 86_400 * 1_000_000


class TrendingConfig(RecommenderConfig):
    """Settings of `Trending`."""

    recent_days: Annotated[float, Field(gt=0)] = 7.0
    """Events of so many days before the last one are recent."""
    smoothing: Annotated[float, Field(gt=0)] = 5.0
    """So many events are added to both sides, so that one event of a rare item is no trend."""


class Trending(Recommender):
    """The same list for everybody: what is on the rise."""

    Config = TrendingConfig
    config: TrendingConfig
    learns = "counts"
    answers_empty = True

    def _fit(
        self, train: Dataset, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        time = np.asarray(train.histories.timestamp)
        recent = time > time.max() - self.config.recent_days * MICROSECONDS_A_DAY
        taken = np.bincount(train.histories.item_index[recent], minlength=train.n_items + 1)
        expected = train.item_counts() * recent.mean()
        self.trend = ((taken + self.config.smoothing) / (expected + self.config.smoothing)).astype(np.float32)

    def score(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """How many times as often as expected, the same in each row."""
        return np.tile(self.trend, (len(histories), 1))

    def state(self) -> dict[str, NDArray[Any]]:
        """The trend of each item."""
        return {"trend": self.trend}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes back the trend."""
        self.trend = state["trend"]

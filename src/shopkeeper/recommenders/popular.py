"""Most popular items: weighted by event type, fading with age, within the shopper's categories if asked.

The baseline that every table starts with, and the answer for shoppers of whom nothing is known.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.recommenders.base import Recommender, RecommenderConfig
from shopkeeper.recommenders.event_weights import EventWeights
from shopkeeper.training.progress import Progress
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Float32Array, Int32Array

MICROSECONDS_A_DAY = 86_400 * 1_000_000


class MostPopularConfig(RecommenderConfig):
    """Settings of `MostPopular`."""

    half_life_days: Annotated[float, Field(gt=0)] | None = None
    """An event counts half after this many days before the last one; None counts all alike."""
    weights: EventWeights = EventWeights()
    """Weight of each event type."""


class MostPopular(Recommender):
    """The same list for everybody."""

    Config = MostPopularConfig
    config: MostPopularConfig
    answers_empty = True

    def _fit(
        self, train: Dataset, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        histories = train.histories
        weight = self.config.weights.by_code()[histories.event_type]
        if self.config.half_life_days is not None:
            age = (histories.timestamp.max() - histories.timestamp) / MICROSECONDS_A_DAY
            weight = weight * np.exp2(-age / self.config.half_life_days)
        self.popularity = np.bincount(histories.item_index, weight, train.n_items + 1).astype(np.float32)

    def score(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """The popularity of every item, the same in each row."""
        return np.tile(self.popularity, (len(histories), 1))

    def state(self) -> dict[str, NDArray[Any]]:
        """The popularity."""
        return {"popularity": self.popularity}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes back the popularity."""
        self.popularity = state["popularity"]

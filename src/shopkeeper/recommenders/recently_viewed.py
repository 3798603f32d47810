"""Recently viewed: the shopper's own last items, most recent first. A baseline wherever shoppers come back to items.

It is the one model whose answer consists of seen items, so it shows them even where the data suggest to hide them.
Asked explicitly with `hide_seen=True` it has nothing to say, and the fallback answers.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.data.schema import INTEREST_TYPES, EventType
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender, RecommenderConfig
from shopkeeper.recommenders.sparse import places_from_end
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Float32Array, Int32Array


class RecentlyViewedConfig(RecommenderConfig):
    """Settings of `RecentlyViewed`."""

    event_types: Annotated[tuple[EventType, ...], Field(min_length=1)] = INTEREST_TYPES
    """Events that count as a look at an item; `["cart"]` makes it "last put in the cart"."""


class RecentlyViewed(Recommender):
    """The last items of the shopper's own history."""

    Config = RecentlyViewedConfig
    config: RecentlyViewedConfig
    learns = "counts"
    shows_seen = True

    def _fit(
        self, train: Dataset, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        """There is nothing to learn."""

    def score(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """1 for the most recent item, 1/2 for the one before, and so on; an item counts where it was last seen."""
        codes = [event_type.code for event_type in self.config.event_types]
        looks = histories.where(np.isin(histories.event_type, codes))
        scores = np.full((len(looks), self.train.n_items + 1), -np.inf, dtype=np.float32)
        np.maximum.at(scores, (looks.rows, looks.item_index), (1 / (1 + places_from_end(looks))).astype(np.float32))
        return scores

    def state(self) -> dict[str, NDArray[Any]]:
        """Nothing."""
        return {}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Nothing to take back."""

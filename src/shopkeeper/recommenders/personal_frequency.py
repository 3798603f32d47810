"""Personal frequency: what the shopper took most often comes first. The baseline of shops that live on repeats.

Known in next-basket recommendation as the personal part of GP-TopFreq (Li et al. 2023, "A Next Basket Recommendation
Reality Check"); the global part is the fallback that every recommender here has. Like `RecentlyViewed` its answer
consists of seen items, so it shows them even where the data suggest to hide them.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender, RecommenderConfig
from shopkeeper.recommenders.event_weights import EventWeights
from shopkeeper.recommenders.sparse import history_matrix
from shopkeeper.search_space import Floats, SearchSpace
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Float32Array, Int32Array


class PersonalFrequencyConfig(RecommenderConfig):
    """Settings of `PersonalFrequency`."""

    history_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    """An event counts this factor less for each later one of the shopper; 1 counts all alike."""
    weights: EventWeights = EventWeights()
    """Weight of each event type."""

    search: ClassVar[SearchSpace] = {"history_decay": Floats(0.5, 1.0)}


class PersonalFrequency(Recommender):
    """The items of the shopper's own history by how often they occur."""

    Config = PersonalFrequencyConfig
    config: PersonalFrequencyConfig
    learns = "counts"
    shows_seen = True

    def _fit(
        self, train: Dataset, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        """There is nothing to learn."""

    def score(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """The weighted number of events on each item; of items taken equally often the more popular one comes first."""
        taken = history_matrix(
            histories, self.train.n_items, self.config.weights.by_code(), "sum", self.config.history_decay
        )
        scores = np.full(taken.shape, -np.inf, dtype=np.float32)
        rows = np.repeat(np.arange(taken.shape[0]), np.diff(taken.indptr))
        popularity = self._fallback_scores() + np.float32(2)  # from 0 to 1
        scores[rows, taken.indices] = taken.data + np.float32(1e-3) * popularity[taken.indices]
        return scores

    def state(self) -> dict[str, NDArray[Any]]:
        """Nothing."""
        return {}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Nothing to take back."""

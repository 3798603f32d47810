"""Item-to-item transitions: what shoppers took soon after this item, added up over the history. Nothing is learned.

The count of a pair (a, then b) falls with the distance between the two in the history, and the score of b is the sum of
its counts after every item of the history, the most recent one weighing most. Counts are divided by a power of the
frequency of a, so that a frequent item does not drown the rare one that says more.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender, RecommenderConfig
from shopkeeper.recommenders.event_weights import EventWeights
from shopkeeper.recommenders.sparse import (
    Csr,
    csr_from_state,
    csr_state,
    history_matrix,
    keep_largest,
    sparse_scores,
)
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Float32Array, Int32Array


class TransitionsConfig(RecommenderConfig):
    """Settings of `Transitions`."""

    window: Annotated[int, Field(ge=1)] = 10
    """Pairs at most this many events apart count."""
    distance_decay: Annotated[float, Field(gt=0, le=1)] = 0.8
    """A pair counts this factor less for each further event between the two."""
    backward: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Share of its count that a pair also gets in the other direction; 1 forgets the order."""
    source_power: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Counts are divided by the number of events of the earlier item to this power; 1 gives probabilities."""
    target_power: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Counts are divided by the number of events of the later item to this power; above 0 favors rare items."""
    history_decay: Annotated[float, Field(gt=0, le=1)] = 0.7
    """An event of the history weighs this factor less for each later one."""
    neighbors: Annotated[int, Field(ge=1)] | None = 500
    """So many strongest followers of each item are kept; None keeps all."""
    weights: EventWeights = EventWeights()
    """Weight of each event type."""


class Transitions(Recommender):
    """Transition counts between items, decayed over the history."""

    Config = TransitionsConfig
    config: TransitionsConfig
    learns = "order"

    def _fit(
        self, train: Dataset, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        config = self.config
        self.weights = config.weights.relative(train.histories)
        counted = train.histories.where(self.weights[train.histories.event_type] > 0)
        counts = self._count(counted, train.n_items + 1)
        frequency = np.maximum(np.bincount(counted.item_index, minlength=train.n_items + 1), 1).astype(np.float64)
        rows = np.repeat(frequency**-config.source_power, np.diff(counts.indptr))
        counts.data = (counts.data * rows * (frequency**-config.target_power)[counts.indices]).astype(np.float32)
        self.transitions = keep_largest(counts, config.neighbors)

    def _count(self, histories: Histories, size: int) -> Csr:
        """Decayed counts of ordered pairs, [size, size], without pairs of an item with itself."""
        config, rows, items = self.config, histories.rows, np.asarray(histories.item_index)
        weights = self.weights[histories.event_type]
        total: Csr = csr_array((size, size), dtype=np.float32)  # type: ignore[assignment]
        for distance in range(1, config.window + 1):
            pair = (rows[distance:] == rows[:-distance]) & (items[distance:] != items[:-distance])
            if not pair.any():
                continue
            values = weights[distance:][pair] * np.float32(config.distance_decay ** (distance - 1))
            total = total + csr_array((values, (items[:-distance][pair], items[distance:][pair])), shape=(size, size))
        return total + config.backward * total.T.tocsr() if config.backward > 0 else total

    def score(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """Decayed sum of the transitions after every item of the history."""
        rows = history_matrix(histories, self.train.n_items, self.weights, "sum", self.config.history_decay)
        return sparse_scores(rows, self.transitions)

    def similarity(self, item_index: Int32Array) -> Float32Array:
        """What follows the item."""
        followers = self.transitions[item_index].toarray()
        return np.where(followers == 0, -np.inf, followers).astype(np.float32)

    def state(self) -> dict[str, NDArray[Any]]:
        """The matrix of transitions and the event weights."""
        return {"weights": self.weights, **csr_state(self.transitions, "transitions")}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes back the matrix and the weights."""
        self.weights = state["weights"]
        self.transitions = csr_from_state(state, "transitions", self.train.n_items + 1)

"""Item-to-item transitions: what shoppers took soon after this item, added up over the history. Nothing is learned.

The count of a pair (a, then b) falls with the distance between the two in the history, and the score of b is the sum of
its counts after every item of the history, the most recent one weighing most. Counts are divided by a power of the
frequency of a, so that a frequent item does not drown the rare one that says more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array, vstack

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import RecommenderConfig
from shopkeeper.recommenders.estimate import BYTES_AN_EVENT, LIBRARIES, Estimate, measured_speed, n_pairs_within
from shopkeeper.recommenders.event_weights import EventWeights
from shopkeeper.recommenders.influence import InfluenceCaps, influence
from shopkeeper.recommenders.item_links import ItemLinks
from shopkeeper.recommenders.sparse import (
    Csr,
    csr_from_state,
    csr_state,
    history_matrix,
    keep_largest,
)
from shopkeeper.search_space import Floats, Integers, SearchSpace
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Float32Array, Int32Array, Int64Array

BLOCK_PAIRS = 10_000_000
"""So many pairs are counted at a time, whatever the length of the log."""
REMEDY = "set neighbors and window of the model lower"
BYTES_A_PAIR = 40.0
"""Of a pair while its block is counted and sorted."""
BYTES_A_LINK = 12
ENTRIES_A_PAIR = 10.0
"""A pair takes so many times as long as an entry of a sparse matrix."""


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
    history_decay: Annotated[float, Field(gt=0, le=1)] = 0.9
    """An event of the history weighs this factor less for each later one."""
    neighbors: Annotated[int, Field(ge=1)] | None = 500
    """So many strongest followers of each item are kept; None keeps all."""
    weights: EventWeights = EventWeights()
    """Weight of each event type."""
    influence: InfluenceCaps = InfluenceCaps()
    """What one user counts for at most."""

    search: ClassVar[SearchSpace] = {
        "window": Integers(1, 100, log=True),
        "distance_decay": Floats(0.3, 1.0),
        "backward": Floats(0.0, 1.0),
        "source_power": Floats(0.0, 1.0),
        "target_power": Floats(0.0, 0.6),
        "history_decay": Floats(0.3, 1.0),
    }


class Transitions(ItemLinks):
    """Transition counts between items, decayed over the history."""

    Config = TransitionsConfig
    config: TransitionsConfig
    learns = "order"
    followed: Int32Array | None
    """int32 [links]; how often the item of each link came after the other one; None in models of before it was kept."""

    def estimate(
        self, train: Dataset, training: TrainingSettings | None = None, validation: Holdout | None = None
    ) -> Estimate:
        """The pairs counted, a block of them in memory, and the links kept twice."""
        config = self.config
        pairs = n_pairs_within(train.histories, config.window) * (2 if config.backward else 1)
        kept = min(pairs, train.n_items * min(config.neighbors or train.n_items, train.n_items))
        events_a_block = BLOCK_PAIRS / (2 * config.window)
        block = pairs * min(1.0, events_a_block / max(1, train.n_events))
        parts = {
            "data": LIBRARIES + BYTES_AN_EVENT * train.n_events,
            "pairs of a block": BYTES_A_PAIR * block,
            "links": 2 * BYTES_A_LINK * kept,
        }
        return Estimate(parts, ENTRIES_A_PAIR * pairs * measured_speed().entry, REMEDY)

    def _fit(
        self, train: Dataset, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        config = self.config
        self.weights = config.weights.relative(train.histories)
        counted = train.histories.where(self.weights[train.histories.event_type] > 0)
        frequency = np.bincount(counted.item_index, minlength=train.n_items + 1)
        source = np.maximum(frequency, 1.0) ** -config.source_power
        target = np.maximum(frequency, 1.0) ** -config.target_power
        if progress:
            progress.start("transitions", len(frequency))
        blocks, followed = [], []
        for first, counts, times in self._counts(counted, frequency):
            counts.data *= np.repeat(source[first : first + counts.shape[0]], np.diff(counts.indptr))
            counts.data *= target[counts.indices]
            blocks.append(keep_largest(counts, config.neighbors))
            followed.append(_values_at(times, blocks[-1]))
            if progress:
                progress.advance(counts.shape[0])
        self.links, self.followed = vstack(blocks, format="csr"), np.concatenate(followed)
        if progress:
            progress.finish()

    def _counts(self, histories: Histories, frequency: Int64Array) -> Iterator[tuple[int, Csr, Csr]]:
        """Decayed counts of ordered pairs, without pairs of an item with itself, a block of first items at a time.

        Yields:
            The first item of the block, its counts, [items of the block, n_items + 1], and how often each pair came in
            this order, of the same shape.
        """
        rows, items = histories.rows.astype(np.int32), np.asarray(histories.item_index)
        weights = self.weights[histories.event_type] * influence(histories, self.config.influence)
        places = np.argsort(items, kind="stable")
        ends = np.cumsum(frequency)
        events_a_block = max(1, BLOCK_PAIRS // (2 * self.config.window))
        first = 0
        while first < len(frequency):
            done = int(ends[first - 1]) if first else 0
            stop = max(first + 1, int(np.searchsorted(ends, done + events_a_block, side="right")))
            here, there, values = self._pairs(rows, items, weights, places[done : ends[stop - 1]])
            pairs, shape = (items[here] - first, items[there]), (stop - first, len(frequency))
            times = csr_array(((there > here).astype(np.int32), pairs), shape=shape)
            yield first, csr_array((values, pairs), shape=shape), times
            first = stop

    def _pairs(
        self, rows: Int32Array, items: Int32Array, weights: Float32Array, places: Int64Array
    ) -> tuple[Int64Array, Int64Array, Float32Array]:
        """Every pair whose first item stands at one of these places (int64 [p]) of the events.

        Returns:
            Places of the first and of the second event, int64 [pairs], and what each pair counts, float32 [pairs].
        """
        parts = [(places[:0], places[:0], weights[:0])]
        for distance in range(1, self.config.window + 1):
            decay = self.config.distance_decay ** (distance - 1)
            for step, share in ((distance, decay), (-distance, decay * self.config.backward)):
                if share == 0:
                    continue
                here = places[(places + step >= 0) & (places + step < len(items))]
                there = here + step
                pair = (rows[there] == rows[here]) & (items[there] != items[here])
                here, there = here[pair], there[pair]
                counted = weights[np.maximum(here, there)] * np.float32(share)
                parts.append((here, there, counted))
        first, second, values = (np.concatenate(column) for column in zip(*parts, strict=True))
        return first, second, values

    def times_followed(self, item_index: Int32Array, then: int) -> Int64Array:
        """The pairs that came in this order, at most `window` events apart; see `Recommender.times_followed`."""
        times = np.zeros(len(item_index), dtype=np.int64)
        if self.followed is None:
            return times
        for place, item in enumerate(item_index):
            span = slice(*self.links.indptr[item : item + 2])
            times[place] = self.followed[span][self.links.indices[span] == then].sum()
        return times

    def rows(self, histories: Histories) -> Csr:
        """The decayed weights of the events on each item of the history."""
        return history_matrix(histories, self.train.n_items, self.weights, "sum", self.config.history_decay)

    def state(self) -> dict[str, NDArray[Any]]:
        """The matrix of transitions and the event weights."""
        kept = {} if self.followed is None else {"followed": self.followed}
        return {"weights": self.weights, **kept, **csr_state(self.links, "transitions")}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes back the matrix and the weights."""
        self.weights = state["weights"]
        self.links = csr_from_state(state, "transitions", self.train.n_items + 1, self.train.n_items + 1)
        self.followed = state.get("followed")


def _values_at(matrix: Csr, places: Csr) -> Int32Array:
    """The values of a matrix where another one of its shape, with sorted columns, has an entry; int32 [entries]."""
    matrix.sum_duplicates()
    keys, wanted = (
        np.repeat(np.arange(one.shape[0], dtype=np.int64), np.diff(one.indptr)) * one.shape[1] + one.indices
        for one in (matrix, places)
    )
    values: Int32Array = matrix.data[np.searchsorted(keys, wanted)].astype(np.int32)
    return values

"""The base of session kNN: sessions that share items with the one asked about vote for what they hold.

A model says how much each event of the question counts (`_query_weights`), what a neighbor counts apart from the items
that it shares (`_session_weights`), and what its events count, given where they stand (`_event_weights`). The steps are
the same: the most recent sessions of each item of the question, their similarity (the sum over shared items), the
nearest of them, and the sum of what their events count.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender, RecommenderConfig
from shopkeeper.recommenders.candidates import Candidates, Eligible
from shopkeeper.recommenders.estimate import BYTES_AN_EVENT, LIBRARIES, Estimate, measured_speed
from shopkeeper.recommenders.event_weights import EventWeights
from shopkeeper.recommenders.session_index import SessionIndex
from shopkeeper.recommenders.sparse import Csr, keep_largest, places_from_end
from shopkeeper.search_space import Floats, Integers, SearchSpace
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Float32Array, Float64Array, Int32Array, Int64Array

BYTES_SORTING = 60.0
"""Of an event while the sessions of each item are sorted."""
BATCH = 64
"""Shoppers scored at once."""
SMALLEST = 1e-30
"""Similarities are kept above zero, however small."""


class SessionNeighborsConfig(RecommenderConfig):
    """Settings of all session kNN models."""

    neighbors: Annotated[int, Field(ge=1)] = 300
    """So many sessions vote, the most similar ones."""
    sessions_an_item: Annotated[int, Field(ge=1)] = 500
    """So many most recent sessions of each item of the question are looked at."""
    history_length: Annotated[int, Field(ge=1, le=1000)] = 30
    """Only so many most recent events of a history make the question."""
    length_power: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Similarity is divided by the number of events of the neighbor to this power; 0.5 is the cosine."""
    target_power: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Votes for an item are divided by the number of its sessions to this power; above 0 favors rare items."""
    own: Annotated[float, Field(ge=0)] = 1.0
    """What the shared item itself counts in a vote, as a share; 1 in the papers, 0 never says the same item again."""
    repeats: Annotated[float, Field(ge=0)] = 0.0
    """The shared item itself counts the number of times that the question has it to this power; 0 in the papers."""
    weights: EventWeights = EventWeights()
    """Weight of each event type."""

    search: ClassVar[SearchSpace] = {
        "neighbors": Integers(50, 2000, log=True),
        "sessions_an_item": Integers(100, 5000, log=True),
        "length_power": Floats(0.0, 1.0),
        "target_power": Floats(0.0, 0.6),
        "own": Floats(0.0, 1.5),
        "repeats": Floats(0.0, 3.0),
    }


@dataclass(frozen=True)
class Shared:
    """Sessions that share an item with a question, m pairs of both.

    Attributes:
        row: int64 [m]; the question, ascending.
        session: int64 [m].
        place: int64 [m]; the session's event on the most recent shared item of the question.
        step: int64 [m]; how many other items of the question are more recent than that one.
        times: int64 [m]; how often the question has that item.
    similarity: float32 [m]; above zero.
    """

    row: Int64Array
    session: Int64Array
    place: Int64Array
    step: Int64Array
    times: Int64Array
    similarity: Float32Array


class SessionNeighbors(Recommender):
    """Base of session kNN models."""

    Config = SessionNeighborsConfig
    config: SessionNeighborsConfig
    index: SessionIndex
    weights: Float32Array
    """float32 [types + 1]; of event types, by code."""

    def estimate(
        self, train: Dataset, training: TrainingSettings | None = None, validation: Holdout | None = None
    ) -> Estimate:
        """The sessions, twice while they are sorted."""
        parts = {"data": LIBRARIES + BYTES_AN_EVENT * train.n_events, "sessions": BYTES_SORTING * train.n_events}
        return Estimate(parts, 5 * train.n_events * measured_speed().entry)

    def _fit(
        self, train: Dataset, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        self.weights = self.config.weights.relative(train.histories)
        self.index = SessionIndex.of(train, self.weights, self.config.sessions_an_item)

    @abstractmethod
    def _query_weights(self, step: Int64Array) -> Float32Array:
        """What items of a question count when `step` many others are more recent, float32 of that length."""

    def _session_weights(self, session: Int64Array) -> Float32Array:
        """What neighbors count apart from what they share, float32."""
        lengths = np.diff(self.index.offsets)[session]
        powers: Float32Array = (lengths ** -float(self.config.length_power)).astype(np.float32)
        return powers

    @abstractmethod
    def _event_weights(self, distance: Int64Array, step: Int64Array) -> Float32Array:
        """What events of neighbors count.

        Args:
            distance: int64 [n]; places after (or, below zero, before) the shared item; never 0.
            step: int64 [n]; how many other items of the question are more recent than the shared one.
        """

    def batch_size(self) -> int:
        """Few shoppers at once: their scores then stay in the processor's cache."""
        return min(BATCH, super().batch_size())

    def _item_weights(self) -> Float64Array:
        """What votes for each item count, float64 [n_items + 1]."""
        weights: Float64Array = np.maximum(self.index.frequency, 1) ** -float(self.config.target_power)
        return weights

    def score(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """Sum of the votes of the neighbors; minus infinity where there is none."""
        scores: Float32Array = self._votes(histories).toarray()
        scores[scores == 0] = -np.inf
        return scores

    def candidates(self, user_index: Int32Array, histories: Histories, n: int, eligible: Eligible) -> Candidates:
        """The n best, from the items of the neighbors: the size of the catalog does not matter."""
        votes = self._votes(histories)
        rows = np.repeat(np.arange(len(histories)), np.diff(votes.indptr))
        items = votes.indices.astype(np.int32)
        kept = eligible.keep(rows, items, self.train.n_items) & (votes.data != 0)
        return Candidates.of_pairs(len(histories), rows[kept], items[kept], votes.data[kept], n)

    def similarity(self, item_index: Int32Array) -> Float32Array:
        """The votes after a session of the item alone."""
        n = len(item_index)
        kinds = np.full(n, self.usual_event.code, dtype=np.uint8)
        return self.score(item_index, Histories(np.arange(n + 1), item_index, kinds, np.zeros(n, dtype=np.int64)))

    def _votes(self, histories: Histories) -> Csr:
        """float32 [b, n_items + 1]; columns in no order."""
        shared = self._nearest(self._shared(histories), len(histories))
        index = self.index
        vote, place = _ranges(index.offsets[shared.session], index.offsets[shared.session + 1])
        distance, items = place - shared.place[vote], index.item_index[place]
        counts = self._event_weights(distance, shared.step[vote]) * index.weight[place]
        values = shared.similarity[vote] * np.where(distance == 0, self._own(shared)[vote], counts)
        values *= self._item_weights()[items]
        return _added_up(shared.row[vote], items, values.astype(np.float32), (len(histories), self.train.n_items + 1))

    def _own(self, shared: Shared) -> Float32Array:
        """What the shared item counts in the vote of its session."""
        powers = (self.config.own * shared.times ** float(self.config.repeats)).astype(np.float32)
        votes: Float32Array = powers * self._event_weights(np.ones_like(shared.step), shared.step)
        return votes

    def _shared(self, histories: Histories) -> Shared:
        """All sessions looked at, by question."""
        counted = histories.where(self.weights[histories.event_type] > 0).last(self.config.history_length)
        counted, times = _last_of_each_item(counted)
        items, step = np.asarray(counted.item_index), places_from_end(counted)
        weight = self._query_weights(step) * self.weights[counted.event_type]
        event, entry = _ranges(self.index.item_offsets[items], self.index.item_offsets[items + 1])
        place, row = self.index.places[entry], counted.rows[event]
        # One sort of numbers in place of several of columns: by question, place of the session's event, and event.
        packed = np.sort((row * len(self.index.item_index) + place) * max(1, len(items)) + event)
        pair, event = np.divmod(packed, max(1, len(items)))
        row, place = np.divmod(pair, len(self.index.item_index))
        session = self.index.session_of(place)
        first = np.flatnonzero(np.diff(row * self.index.n_sessions + session, prepend=-1))
        if len(first) == 0:
            return Shared(row, session, place, event, event, np.zeros(0, np.float32))
        latest, place = np.divmod(
            np.maximum.reduceat(event * len(self.index.item_index) + place, first), len(self.index.item_index)
        )
        similarity = np.add.reduceat(weight[event], first) * self._session_weights(session[first])
        similarity = np.maximum(similarity, SMALLEST).astype(np.float32)
        return Shared(row[first], session[first], place, step[latest], times[latest], similarity)

    def _nearest(self, shared: Shared, n_rows: int) -> Shared:
        """The most similar sessions of each question."""
        counts = np.bincount(shared.row, minlength=n_rows)
        offsets = np.concatenate([[0], np.cumsum(counts)])
        pairs = csr_array((shared.similarity, np.arange(offsets[-1]), offsets), shape=(n_rows, max(1, offsets[-1])))
        kept = keep_largest(pairs, self.config.neighbors).indices
        return Shared(*(values[kept] for values in vars(shared).values()))

    def state(self) -> dict[str, NDArray[Any]]:
        """The sessions and the event weights."""
        return {"weights": self.weights, **self.index.arrays()}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes back the sessions and the weights."""
        self.weights = state["weights"]
        self.index = SessionIndex(**{name: values for name, values in state.items() if name != "weights"})
        self.index.check(self.train.n_items)


def _ranges(starts: Int64Array, ends: Int64Array) -> tuple[Int64Array, Int64Array]:
    """All numbers of several ranges one after the other, and for each the place of its range."""
    lengths = ends - starts
    owner = np.repeat(np.arange(len(starts)), lengths)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return owner, starts[owner] + within


def _last_of_each_item(histories: Histories) -> tuple[Histories, Int64Array]:
    """Without the events whose item comes again later in the same history; and how often each item came, int64."""
    items = np.asarray(histories.item_index).astype(np.int64)
    keys = histories.rows * (int(items.max(initial=0)) + 1) + items
    _, from_end, times = np.unique(keys[::-1], return_index=True, return_counts=True)
    counts = np.zeros(len(keys), dtype=np.int64)
    counts[len(keys) - 1 - from_end] = times
    return histories.where(counts > 0), counts[counts > 0]


def _added_up(rows: Int64Array, items: Int32Array, values: Float32Array, shape: tuple[int, int]) -> Csr:
    """A sparse matrix of triples, rows ascending, equal places added: a product, since that takes no sorting."""
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=shape[0]))])
    n = len(values)
    votes = csr_array((values, np.arange(n), offsets), shape=(shape[0], max(1, n)))
    ones = np.ones(n, dtype=np.float32)
    offsets = np.minimum(np.arange(max(1, n) + 1), n)
    return votes @ csr_array((ones, items, offsets), shape=(max(1, n), shape[1]))

"""TIFU-KNN (Hu et al., SIGIR 2020, "Modeling Personalized Item Frequency Information"): what a shopper takes again.

A shopper is the time-decayed frequency of items: baskets (events at the same time) lie in groups, recent baskets count
most within their group and recent groups most among all. The answer mixes the shopper's own frequencies with the mean
of those of the nearest shoppers. Other than in the paper only shoppers who share an item are near, and groups are
counted from the most recent basket. Made for shops where people buy again.
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
from shopkeeper.recommenders.base import Recommender, RecommenderConfig
from shopkeeper.recommenders.candidates import Candidates, Eligible
from shopkeeper.recommenders.event_weights import EventWeights
from shopkeeper.recommenders.sparse import Csr, csr_from_state, csr_state, keep_largest
from shopkeeper.search_space import Floats, Integers, SearchSpace
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import BoolArray, Float32Array, Int32Array, Int64Array

BLOCK_PRODUCTS = 20_000_000
"""Shoppers are compared so many multiplications at a time."""


class TIFUKNNConfig(RecommenderConfig):
    """Settings of `TIFUKNN`."""

    neighbors: Annotated[int, Field(ge=1)] = 300
    """So many nearest shoppers are averaged."""
    shoppers: Annotated[int, Field(ge=1)] = 100_000
    """Neighbors are sought among so many shoppers, those who came last."""
    group_size: Annotated[int, Field(ge=1)] = 7
    """Baskets in a group."""
    basket_decay: Annotated[float, Field(gt=0, le=1)] = 0.9
    """A basket counts this factor less for each later one of its group."""
    group_decay: Annotated[float, Field(gt=0, le=1)] = 0.7
    """A group counts this factor less for each later one."""
    own_share: Annotated[float, Field(ge=0, le=1)] = 0.7
    """Share of the shopper's own frequencies in the answer; the rest is that of the neighbors."""
    weights: EventWeights = EventWeights()
    """Weight of each event type."""

    search: ClassVar[SearchSpace] = {
        "neighbors": Integers(30, 1000, log=True),
        "group_size": Integers(1, 20),
        "basket_decay": Floats(0.5, 1.0),
        "group_decay": Floats(0.3, 1.0),
        "own_share": Floats(0.0, 1.0),
    }


class TIFUKNN(Recommender):
    """Time-decayed item frequencies of the shopper and of the nearest shoppers."""

    Config = TIFUKNNConfig
    config: TIFUKNNConfig
    vectors: Csr
    """float32 [m, n_items + 1]; frequencies of the m shoppers among whom neighbors are sought."""
    owners: Int32Array
    """int32 [m]; their indices, ascending."""
    weights: Float32Array
    """float32 [types + 1]; of event types, by code."""

    def _fit(
        self, train: Dataset, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        self.weights = self.config.weights.relative(train.histories)
        histories = train.histories
        active = np.flatnonzero(histories.lengths > 0)
        came = np.asarray(histories.timestamp)[np.asarray(histories.offsets)[active + 1] - 1]
        latest = np.sort(active[np.argsort(-came, kind="stable")[: self.config.shoppers]])
        self.owners = (latest + 1).astype(np.int32)
        self.vectors = self._frequencies(histories.take(latest))

    def _frequencies(self, histories: Histories) -> Csr:
        """Time-decayed frequencies of n shoppers, float32 [n, n_items + 1]."""
        config = self.config
        counted = histories.where(self.weights[histories.event_type] > 0)
        rows, back = counted.rows, _baskets_back(counted)
        n_baskets = np.zeros(len(counted), dtype=np.int64)
        np.maximum.at(n_baskets, rows, back + 1)
        group, within = np.divmod(back, config.group_size)
        in_group = np.minimum(config.group_size, n_baskets[rows] - group * config.group_size)
        n_groups = -(-n_baskets[rows] // config.group_size)
        values = config.basket_decay**within * config.group_decay**group / (in_group * n_groups)
        values = (values * self.weights[counted.event_type]).astype(np.float32)
        offsets = np.asarray(counted.offsets) - int(counted.offsets[0])
        items = np.array(counted.item_index, dtype=np.int32)
        matrix = csr_array((values, items, offsets), shape=(len(counted), self.train.n_items + 1))
        matrix.sum_duplicates()
        return matrix

    def score(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """The mixed frequencies; minus infinity for what neither the shopper nor a neighbor took."""
        scores: Float32Array = self._mixed(user_index, histories).toarray()
        scores[scores == 0] = -np.inf
        return scores

    def candidates(self, user_index: Int32Array, histories: Histories, n: int, eligible: Eligible) -> Candidates:
        """The n best, from what the shopper and the neighbors took: the size of the catalog does not matter."""
        mixed = self._mixed(user_index, histories)
        rows = np.repeat(np.arange(len(histories)), np.diff(mixed.indptr))
        items = mixed.indices.astype(np.int32)
        kept = eligible.keep(rows, items, self.train.n_items) & (mixed.data != 0)
        return Candidates.of_pairs(len(histories), rows[kept], items[kept], mixed.data[kept], n)

    def _mixed(self, user_index: Int32Array, histories: Histories) -> Csr:
        """float32 [b, n_items + 1]."""
        own = self._frequencies(histories)
        share = np.float32(self.config.own_share)
        parts = [self._nearest(rows, users) @ self.vectors for rows, users in self._blocks(own, user_index)]
        neighbors: Csr = vstack(parts, format="csr") if parts else own
        mixed: Csr = (own * share + neighbors * (1 - share)).tocsr()
        return mixed

    def _blocks(self, own: Csr, user_index: Int32Array) -> Iterator[tuple[Csr, Int32Array]]:
        """Shoppers cut into blocks whose comparison takes about so many multiplications at most."""
        takers = np.bincount(self.vectors.indices, minlength=self.vectors.shape[1])
        work = np.concatenate([[0], np.cumsum(takers[own.indices])])[own.indptr]
        start = 0
        while start < own.shape[0]:
            stop = max(start + 1, int(np.searchsorted(work, work[start] + BLOCK_PRODUCTS, side="right")) - 1)
            yield own[start:stop], np.asarray(user_index)[start:stop]
            start = stop

    def _nearest(self, own: Csr, user_index: Int32Array) -> Csr:
        """The same share for each of the nearest other shoppers, float32 [b, m]; rows sum to 1 or 0."""
        products: Csr = (own @ self.vectors.T).tocsr()
        rows = np.repeat(np.arange(own.shape[0]), np.diff(products.indptr))
        distance = np.maximum(_squares(own)[rows] + _squares(self.vectors)[products.indices] - 2 * products.data, 0)
        products.data = (1 / (1 + distance)).astype(np.float32)
        products.data[self.owners[products.indices] == np.asarray(user_index)[rows]] = 0
        products.eliminate_zeros()
        nearest = keep_largest(products, self.config.neighbors)
        counts = np.diff(nearest.indptr)
        nearest.data = np.repeat(1 / np.maximum(counts, 1), counts).astype(np.float32)
        return nearest

    def state(self) -> dict[str, NDArray[Any]]:
        """The frequencies, whose they are, and the event weights."""
        return {"weights": self.weights, "owners": self.owners, **csr_state(self.vectors, "vectors")}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes back the frequencies and the weights."""
        self.weights, self.owners = state["weights"], state["owners"]
        self.vectors = csr_from_state(state, "vectors", len(self.owners), self.train.n_items + 1)


def _baskets_back(histories: Histories) -> Int64Array:
    """For each event how many later baskets its shopper has, int64 [events]; events at the same time are a basket."""
    rows, times = histories.rows, np.asarray(histories.timestamp)
    starts: BoolArray = np.ones(len(rows), dtype=bool)
    starts[1:] = (np.diff(rows) != 0) | (np.diff(times) != 0)
    basket = np.cumsum(starts)
    newest = np.zeros(len(histories), dtype=np.int64)
    np.maximum.at(newest, rows, basket)
    back: Int64Array = newest[rows] - basket
    return back


def _squares(matrix: Csr) -> Float32Array:
    """Squared lengths of rows, float32."""
    return np.asarray(matrix.multiply(matrix).sum(axis=1), dtype=np.float32)

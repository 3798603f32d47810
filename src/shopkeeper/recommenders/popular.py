"""Most popular items: weighted by event type, fading with age, within the shopper's categories if asked.

The baseline that every table starts with, and the answer for shoppers of whom nothing is known.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array

from shopkeeper.artifacts import check_indices, check_shape
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.data.schema import CATEGORY, CATEGORY_SEPARATOR, ITEM_ID
from shopkeeper.errors import DataError
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender, RecommenderConfig
from shopkeeper.recommenders.candidates import Candidates, Eligible
from shopkeeper.recommenders.event_weights import EventWeights
from shopkeeper.recommenders.influence import InfluenceCaps, influence
from shopkeeper.recommenders.sparse import history_matrix
from shopkeeper.search_space import Choice, SearchSpace
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Float32Array, Int32Array

if TYPE_CHECKING:
    import pyarrow as pa

MICROSECONDS_A_DAY = 86_400 * 1_000_000


class MostPopularConfig(RecommenderConfig):
    """Settings of `MostPopular`."""

    half_life_days: Annotated[float, Field(gt=0)] | None = None
    """An event counts half after this many days before the last one; None counts all alike."""
    category_depth: Annotated[int, Field(ge=1)] | None = None
    """Popularity within the categories of the shopper's history, cut to so many steps of their path; None makes one
    list for everybody."""
    history_decay: Annotated[float, Field(gt=0, le=1)] = 0.9
    """With categories: an event of the history weighs this factor less for each later one."""
    weights: EventWeights = EventWeights()
    """Weight of each event type."""
    influence: InfluenceCaps = InfluenceCaps()
    """What one user counts for at most."""

    search: ClassVar[SearchSpace] = {"half_life_days": Choice((None, 1.0, 3.0, 7.0, 14.0, 30.0, 90.0, 365.0))}


class MostPopular(Recommender):
    """The same list for everybody, or for everybody with the same categories."""

    Config = MostPopularConfig
    config: MostPopularConfig
    learns = "counts"
    answers_empty = True

    def _fit(
        self, train: Dataset, validation: Holdout | None, training: TrainingSettings, progress: Progress | None
    ) -> None:
        histories = train.histories
        self.weights = self.config.weights.by_code()
        weight = self.weights[histories.event_type] * influence(histories, self.config.influence)
        if self.config.half_life_days is not None:
            age = (histories.timestamp.max() - histories.timestamp) / MICROSECONDS_A_DAY
            weight = weight * np.exp2(-age / self.config.half_life_days)
        popularity = np.bincount(histories.item_index, weight, train.n_items + 1)
        self.popularity = np.maximum(popularity, 0).astype(np.float32)
        self.category = np.zeros(train.n_items + 1, dtype=np.int32)
        if self.config.category_depth is not None:
            self.category = _categories(train, self.config.category_depth)

    def score(self, user_index: Int32Array, histories: Histories) -> Float32Array:
        """The popularity of every item, in each row.

        With categories: the share of its category in the history times the share of the item within its category, and
        minus infinity for the items of other categories; a shopper without any category gets the plain popularity.
        """
        scores = np.tile(self.popularity, (len(histories), 1))
        if self.config.category_depth is None:
            return scores
        liking = self._liking(histories)
        answered = liking.sum(axis=1) > 0
        total = np.bincount(self.category, self.popularity)
        within = self.popularity / np.maximum(total, np.finfo(np.float32).tiny)[self.category]
        narrowed = (liking[:, self.category] * within).astype(np.float32)
        scores[answered] = np.where(narrowed > 0, narrowed, -np.inf)[answered]
        return scores

    def candidates(self, user_index: Int32Array, histories: Histories, n: int, eligible: Eligible) -> Candidates:
        """The first n of the one list that may come out; with categories what `score` says."""
        if self.config.category_depth is not None:
            return super().candidates(user_index, histories, n, eligible)
        order = self._order if eligible.allowed is None else self._order[eligible.allowed[self._order]]
        first = order[: n + eligible.most_hidden]
        rows = np.repeat(np.arange(len(histories), dtype=np.int64), len(first))
        items = np.tile(first, len(histories))
        kept = eligible.keep(rows, items, self.train.n_items)
        rows, items = rows[kept], items[kept]
        return Candidates.of_pairs(len(histories), rows, items, self.popularity[items], n)

    @cached_property
    def _order(self) -> Int32Array:
        """All items, the most popular first."""
        order: Int32Array = (np.argsort(-self.popularity[1:], kind="stable") + 1).astype(np.int32)
        return order

    def _liking(self, histories: Histories) -> NDArray[np.float64]:
        """Share of each category in each history, float64 [b, categories + 1]; column 0 (unknown) is empty."""
        rows = history_matrix(histories, len(self.category) - 1, self.weights, "sum", self.config.history_decay)
        known = np.flatnonzero(self.category)
        member = csr_array(
            (np.ones(len(known)), (known, self.category[known])),
            shape=(len(self.category), int(self.category.max()) + 1),
        )
        liking: NDArray[np.float64] = (rows @ member).toarray()
        liking /= np.maximum(liking.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        return liking

    def state(self) -> dict[str, NDArray[Any]]:
        """The popularity, the category of each item, and the event weights."""
        return {"popularity": self.popularity, "category": self.category, "weights": self.weights}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes back the popularity and the categories."""
        self.popularity = state["popularity"]
        self.category = state["category"]
        self.weights = state["weights"]
        check_shape(self.popularity, (self.train.n_items + 1,), "popularity")
        check_shape(self.category, (self.train.n_items + 1,), "category")
        check_indices(self.category, 0, self.train.n_items + 1, "category")


def _categories(train: Dataset, depth: int) -> Int32Array:
    """Number of the category of each item, from 1, 0 where it has none, int32 [n_items + 1].

    Raises:
        DataError: There is no catalog, or it knows no categories.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if train.catalog is None or CATEGORY not in train.catalog.table.column_names:
        raise DataError(
            "popularity by category needs to know the categories",
            expected=f"a catalog with the column {CATEGORY!r}",
            got="no catalog" if train.catalog is None else ", ".join(train.catalog.table.column_names),
            remedy="give a catalog with categories, or leave category_depth unset",
        )
    table = train.catalog.table
    path = _cut(table.column(CATEGORY).combine_chunks(), depth)
    codes = pc.fill_null(pa.chunked_array([path]).combine_chunks().dictionary_encode().indices, -1)
    category = np.zeros(train.n_items + 1, dtype=np.int32)
    category[train.items.indices(table.column(ITEM_ID))] = codes.to_numpy(zero_copy_only=False).astype(np.int32) + 1
    category[0] = 0
    return category


def _cut(path: pa.Array, depth: int) -> pa.Array:
    """The first steps of category paths, written as one text or as lists of steps; empty ones become null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    steps = path if pa.types.is_nested(path.type) else pc.split_pattern(path.cast(pa.string()), CATEGORY_SEPARATOR)
    cut = pc.binary_join(pc.list_slice(steps, 0, depth).cast(pa.list_(pa.string())), CATEGORY_SEPARATOR)
    return pc.if_else(pc.equal(cut, ""), None, cut)

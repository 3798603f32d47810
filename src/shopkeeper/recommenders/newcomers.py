"""Items that came after training: what is known of them, and how a model that never saw them answers with them.

A model that reads features of items reads those of the newcomers. For any other a newcomer stands between the items
that it is most like: it is scored as their weighted mean, and an event on it is read as one on the nearest of them. In
a model that compares states with vectors this is the same as giving the newcomer the mean of their vectors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.errors import DataError
from shopkeeper.recommenders.sparse import Csr
from shopkeeper.types import Float32Array, Int32Array


@dataclass(frozen=True)
class Newcomers:
    """Items that came after training, m of them.

    Attributes:
        dataset: The training part with the new ids behind the old ones, and a catalog that knows them.
        neighbors: int32 [m, n]; items of training that each is most like, nearest first; 0 where there are fewer.
        weights: float32 [m, n]; how much each neighbor counts; a row sums to 1, or to 0 where nothing is like it.
        vectors: float32 [m, width] or None; what a model that reads `item_features` reads of them.
    """

    dataset: Dataset
    neighbors: Int32Array
    weights: Float32Array
    vectors: Float32Array | None = None

    def __post_init__(self) -> None:
        m = len(self.neighbors)
        fits = self.neighbors.ndim == 2 and self.neighbors.shape[1] >= 1 and m <= self.dataset.n_items
        if not fits or self.neighbors.shape != self.weights.shape:
            raise DataError(
                "neighbors of new items do not fit", expected=f"{m} rows of neighbors and as many weights",
                got=f"{self.neighbors.shape} and {self.weights.shape} of {self.dataset.n_items} items",
            )  # fmt: skip
        if int(self.neighbors.max(initial=0)) > self.n_known:
            raise DataError(
                "a neighbor is no item of training", expected=f"at most {self.n_known}", got=str(self.neighbors.max())
            )
        if self.vectors is not None and len(self.vectors) != m:
            raise DataError("vectors of new items do not fit", expected=f"{m} rows", got=str(self.vectors.shape))

    def __len__(self) -> int:
        return len(self.neighbors)

    @property
    def n_known(self) -> int:
        """Items of training."""
        return self.dataset.n_items - len(self)

    @cached_property
    def shares(self) -> Csr:
        """How much each item of training stands for each newcomer, sparse float32 [m, n_known + 1]."""
        weights = np.where(self.neighbors > 0, self.weights, 0).astype(np.float32)
        rows = np.arange(len(self) + 1) * self.neighbors.shape[1]
        found: Csr = csr_array((weights.ravel(), self.neighbors.ravel(), rows), shape=(len(self), self.n_known + 1))
        return found

    @cached_property
    def near(self) -> tuple[Int32Array, Csr]:
        """Items of training that newcomers are like, int32 [u], ascending, and `shares` in these columns alone."""
        items = np.unique(self.neighbors).astype(np.int32)
        return items, self.shares[:, items]

    def mean(self, rows: Float32Array) -> Float32Array:
        """What newcomers have where items of training have these rows.

        Args:
            rows: float32 [n_known + 1, ...].

        Returns:
            float32 [m, ...]; the weighted mean of the neighbors' rows; zeros where nothing is like an item.
        """
        flat = np.asarray(rows, dtype=np.float32).reshape(self.n_known + 1, -1)
        return (self.shares @ flat).astype(np.float32).reshape(len(self), *rows.shape[1:])

    def appended(self, rows: Float32Array) -> Float32Array:
        """These rows, float32 [n_known + 1, ...], and those of the newcomers behind them."""
        return np.concatenate([np.asarray(rows, dtype=np.float32), self.mean(rows)])

    def with_least(self, item_index: int) -> Newcomers:
        """The same, but what is like nothing is like this item of training: for a list that leaves nothing out."""
        alone = self.weights.sum(axis=1) == 0
        neighbors, weights = self.neighbors.copy(), self.weights.copy()
        neighbors[alone, 0], weights[alone, 0] = item_index, 1
        return replace(self, neighbors=neighbors, weights=weights)

    def as_known(self, histories: Histories, keep: bool = True) -> Histories:
        """Histories in which events on newcomers are events on the nearest items of training.

        Args:
            histories: Of items of training and newcomers.
            keep: False leaves such events out; those on newcomers without neighbors are left out in any case.
        """
        items = np.asarray(histories.item_index)
        new = items > self.n_known
        if not new.any():
            return histories
        nearest = self.neighbors[:, 0] if keep else np.zeros(len(self), dtype=np.int32)
        read = items.copy()
        read[new] = nearest[items[new] - self.n_known - 1]
        return replace(histories, item_index=read).where(read > 0)

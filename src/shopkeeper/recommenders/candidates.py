"""The best items of a model among those that may come out: what a pipeline asks of each of its sources."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shopkeeper.recommenders.top_k import top_k
from shopkeeper.types import BoolArray, Float32Array, Int32Array, Int64Array


@dataclass(frozen=True)
class Eligible:
    """Which items may come out for a batch of b shoppers.

    Attributes:
        allowed: bool [n_items + 1], the same for all of them; None allows every item.
        hidden_rows: int64 [h]; shopper of each hidden item, from 0, ascending.
        hidden_items: int32 [h]; items that must not come out for that shopper.
    """

    allowed: BoolArray | None
    hidden_rows: Int64Array
    hidden_items: Int32Array

    @staticmethod
    def of(allowed: BoolArray | None, hidden: list[Int32Array]) -> Eligible:
        """From the hidden items of each shopper, int32 arrays of any length."""
        rows = np.repeat(np.arange(len(hidden), dtype=np.int64), [len(items) for items in hidden])
        items = np.concatenate(hidden) if hidden else np.zeros(0, dtype=np.int32)
        return Eligible(allowed, rows, items.astype(np.int32))

    def of_row(self, row: int) -> Eligible:
        """What one shopper may get."""
        items = self.hidden_items[self.hidden_rows == row]
        return Eligible(self.allowed, np.zeros(len(items), dtype=np.int64), items)

    @property
    def most_hidden(self) -> int:
        """The largest number of hidden items of one shopper."""
        return int(np.bincount(self.hidden_rows).max()) if len(self.hidden_rows) else 0

    def mask(self, scores: Float32Array) -> None:
        """Puts minus infinity in place where an item must not come out; float32 [b, n_items + 1]."""
        scores[:, 0] = -np.inf
        if self.allowed is not None:
            scores[:, ~self.allowed] = -np.inf
        scores[self.hidden_rows, self.hidden_items] = -np.inf

    def keep(self, rows: Int64Array, items: Int32Array, n_items: int) -> BoolArray:
        """Which pairs of a shopper and an item may come out, bool of the length of both arrays."""
        kept = np.ones(len(items), dtype=bool) if self.allowed is None else self.allowed[items]
        if len(self.hidden_items):
            hidden = self.hidden_rows * (n_items + 1) + self.hidden_items
            kept &= np.isin(rows * (n_items + 1) + items, hidden, invert=True)
        return kept


@dataclass(frozen=True)
class Candidates:
    """Items of each shopper, best first.

    Attributes:
        item_index: int32 [b, n]; 0 where there are fewer.
        scores: float32 [b, n]; minus infinity where there are fewer.
    """

    item_index: Int32Array
    scores: Float32Array

    def is_full(self, row: int) -> bool:
        """Whether one shopper has n of them, so that there may be more."""
        return self.item_index.shape[1] > 0 and bool(self.item_index[row, -1] > 0)

    @staticmethod
    def none(n_rows: int) -> Candidates:
        """No item for so many shoppers."""
        return Candidates(np.zeros((n_rows, 0), np.int32), np.zeros((n_rows, 0), np.float32))

    @staticmethod
    def of_scores(scores: Float32Array, n: int, eligible: Eligible) -> Candidates:
        """The n best of dense scores, float32 [b, n_items + 1], which are masked in place."""
        eligible.mask(scores)
        return Candidates(*top_k(scores, n))

    @staticmethod
    def of_pairs(n_rows: int, rows: Int64Array, items: Int32Array, scores: Float32Array, n: int) -> Candidates:
        """The n best of sparse scores.

        Args:
            n_rows: Number of shoppers, b.
            rows: int64 [pairs]; the shopper of each pair.
            items: int32 [pairs].
            scores: float32 [pairs].
            n: How many of each shopper.
        """
        order = np.lexsort((items, -scores, rows))
        rows, items, scores = rows[order], items[order], scores[order]
        counts = np.bincount(rows, minlength=n_rows)
        place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        best = place < n
        chosen = np.zeros((n_rows, n), dtype=np.int32)
        values = np.full((n_rows, n), -np.inf, dtype=np.float32)
        chosen[rows[best], place[best]] = items[best]
        values[rows[best], place[best]] = scores[best]
        return Candidates(chosen, values)

"""Semantic ids: the digits of every item, and one more that tells items with equal digits apart.

The last digit counts the items that share the others, from 0 in the order in which they came: coding a new item never
changes an id that was given out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shopkeeper.errors import DataError
from shopkeeper.types import Int32Array, Int64Array


@dataclass(frozen=True)
class SemanticIds:
    """One id an item, no two alike.

    Attributes:
        digits: int32 [n_items + 1, levels + 1], each from 0; row 0 is padding and all zeros. The last column tells
            items apart whose other digits are equal.
        sizes: Values of each column; the last may grow with `extended`.
    """

    digits: Int32Array
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, codes: Int32Array, sizes: tuple[int, ...]) -> SemanticIds:
        """From the digits that codebooks gave.

        Args:
            codes: int32 [n_items, levels], without padding.
            sizes: Values of each digit.
        """
        empty = cls(np.zeros((1, len(sizes) + 1), dtype=np.int32), (*sizes, 1))
        return empty.extended(codes)

    @property
    def n_items(self) -> int:
        """Items, without padding."""
        return len(self.digits) - 1

    def extended(self, codes: Int32Array) -> SemanticIds:
        """With more items behind the others, whose ids stay.

        Args:
            codes: int32 [n, levels]; what codebooks say of the new ones.

        Raises:
            DataError: They have another number of digits, or one is out of range.
        """
        levels = len(self.sizes) - 1
        if codes.ndim != 2 or codes.shape[1] != levels:
            raise DataError("codes have another number of digits", expected=str(levels), got=f"shape {codes.shape}")
        if len(codes) and ((codes < 0).any() or (codes >= np.array(self.sizes[:-1])).any()):
            raise DataError("a digit is out of range", expected=f"below {self.sizes[:-1]}", got=str(codes.max(axis=0)))
        joined = np.concatenate([self.digits[1:, :-1], codes])
        own = _count_among_equals(joined)
        digits = np.zeros((len(joined) + 1, levels + 1), dtype=np.int32)
        digits[1:, :-1], digits[1:, -1] = joined, own
        return SemanticIds(digits, (*self.sizes[:-1], int(own.max(initial=0)) + 1))


def _count_among_equals(rows: Int32Array) -> Int64Array:
    """For each row, how many equal ones come before it; int64 [n]."""
    if len(rows) == 0:
        return np.zeros(0, dtype=np.int64)
    _, group = np.unique(rows, axis=0, return_inverse=True)
    group = group.ravel()
    order = np.argsort(group, kind="stable")
    counts = np.bincount(group)
    starts = np.cumsum(counts) - counts
    found = np.empty(len(rows), dtype=np.int64)
    found[order] = np.arange(len(rows)) - np.repeat(starts, counts)
    return found

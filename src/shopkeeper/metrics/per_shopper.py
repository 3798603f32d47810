"""Sums of the targets of each shopper."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shopkeeper.types import Float64Array, Int64Array


def sum_by_row(rows: Int64Array, values: NDArray[np.generic], n: int) -> Float64Array:
    """Sums of values [t] by their rows (int64 [t], below n), float64 [n]."""
    return np.bincount(rows, values.astype(np.float64), n).astype(np.float64, copy=False)


def hits(ranks: Float64Array, rows: Int64Array, n: int, k: int) -> Float64Array:
    """Number of targets among the first k places, float64 [n]."""
    return sum_by_row(rows, ranks <= k, n)

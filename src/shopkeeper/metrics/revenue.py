"""Revenue at k: what the bought items that stand in the list were worth."""

from __future__ import annotations

import numpy as np

from shopkeeper.metrics.per_shopper import sum_by_row
from shopkeeper.types import Float64Array, Int64Array


def revenue(ranks: Float64Array, rows: Int64Array, values: Float64Array, n: int, k: int) -> Float64Array:
    """Value of the targets among the first k of each shopper.

    It says what a list would have pointed to, not what it would have earned: a shopper may buy without any list.

    Args:
        ranks: float64 [t]; rank of each target, from 1, infinity for one that cannot come out.
        rows: int64 [t]; the shopper of each target.
        values: float64 [t]; price times quantity.
        n: Number of shoppers.
        k: Length of the list.

    Returns:
        float64 [n], in the currency of the prices.
    """
    return sum_by_row(rows, np.where(ranks <= k, values, 0.0), n)

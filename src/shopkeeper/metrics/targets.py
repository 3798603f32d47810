"""Targets as metrics take them: each item once for a shopper."""

from __future__ import annotations

import numpy as np

from shopkeeper.metrics.per_shopper import sum_by_row
from shopkeeper.types import Float32Array, Float64Array, Int32Array, Int64Array


def distinct_targets(
    rows: Int64Array, items: Int32Array, values: Float32Array | Float64Array | None = None
) -> tuple[Int64Array, Int32Array, Float64Array | None]:
    """Leaves each item once in a row; unseen items (index 0) all stay, they cannot be told apart.

    Args:
        rows: int64 [t]; the shopper of each target.
        items: int32 [t].
        values: float64 or float32 [t], or None; what each target event was worth, NaN where unknown.

    Returns:
        Rows int64 [d] and items int32 [d], ordered by row and item, and the summed values of the events of each
        (float64 [d], unknown ones as 0), or None.
    """
    order = np.lexsort((items, rows))
    rows, items = rows[order], items[order]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (rows[1:] != rows[:-1]) | (items[1:] != items[:-1]) | (items[1:] == 0)
    if values is None:
        return rows[first], items[first], None
    known = np.nan_to_num(values[order].astype(np.float64), nan=0.0)
    total = sum_by_row(np.cumsum(first) - 1, known, int(np.count_nonzero(first)))
    return rows[first], items[first], total

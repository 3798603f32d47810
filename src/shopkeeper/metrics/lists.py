"""Means over finished lists."""

from __future__ import annotations

import numpy as np

from shopkeeper.types import Float64Array, Int32Array, Int64Array


def mean_over_list(lists: Int32Array, value_of_item: Float64Array) -> Float64Array:
    """Mean of a property of items over each list.

    Args:
        lists: int32 [n, k]; items from 1, 0 where a list is shorter.
        value_of_item: float64 [n_items + 1]; place 0 is ignored.

    Returns:
        float64 [n]; 0 for an empty list.
    """
    total: Float64Array = np.where(lists > 0, value_of_item[lists], 0.0).sum(axis=1, dtype=np.float64)
    length: Int64Array = np.maximum(np.count_nonzero(lists > 0, axis=1), 1)
    return total / length

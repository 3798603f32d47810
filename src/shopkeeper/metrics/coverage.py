"""Catalog coverage: which share of all items is recommended to anybody."""

from __future__ import annotations

import numpy as np

from shopkeeper.types import Int32Array


def coverage(lists: Int32Array, n_items: int) -> float:
    """Share of the items that occur in at least one list.

    Args:
        lists: int32 [n, k]; items from 1, 0 where a list is shorter.
        n_items: Number of items that could be recommended.

    Returns:
        0 to 1.
    """
    return int(np.count_nonzero(np.bincount(lists.ravel(), minlength=n_items + 1)[1:])) / max(n_items, 1)

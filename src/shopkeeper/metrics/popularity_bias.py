"""Popularity bias: how popular recommended items are, and how unevenly recommendations fall on the catalog."""

from __future__ import annotations

import numpy as np

from shopkeeper.metrics.lists import mean_over_list
from shopkeeper.types import Float64Array, Int32Array, Int64Array


def average_popularity(lists: Int32Array, item_counts: Int64Array) -> Float64Array:
    """Mean number of training events of the items of each list (Yin et al. 2012).

    Args:
        lists: int32 [n, k]; items from 1, 0 where a list is shorter.
        item_counts: int64 [n_items + 1]; training events of each item.

    Returns:
        float64 [n]; 0 for an empty list.
    """
    return mean_over_list(lists, item_counts.astype(np.float64))


def gini(lists: Int32Array, n_items: int) -> float:
    """Gini index of how often each item of the catalog is recommended.

    Args:
        lists: int32 [n, k]; items from 1, 0 where a list is shorter.
        n_items: Number of items that could be recommended.

    Returns:
        0 where all items are recommended equally often, near 1 where one item takes all.
    """
    counts = np.sort(np.bincount(lists.ravel(), minlength=n_items + 1)[1:])
    total = int(counts.sum())
    if total == 0:
        return 0.0
    place = np.arange(1, n_items + 1)
    return float(((2 * place - n_items - 1) * counts).sum() / (n_items * total))

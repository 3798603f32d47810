"""Novelty: how surprising the recommended items are (Zhou et al. 2010, mean self-information)."""

from __future__ import annotations

import numpy as np

from shopkeeper.metrics.lists import mean_over_list
from shopkeeper.types import Float64Array, Int32Array, Int64Array


def novelty(lists: Int32Array, item_counts: Int64Array) -> Float64Array:
    """Mean of -log2 p(item) over each list, p being the item's share of all training events.

    Args:
        lists: int32 [n, k]; items from 1, 0 where a list is shorter.
        item_counts: int64 [n_items + 1]; training events of each item, place 0 is ignored; none counts as one.

    Returns:
        float64 [n] in bits; 0 for an empty list.
    """
    share = np.maximum(item_counts, 1) / max(int(item_counts[1:].sum()), 1)
    return mean_over_list(lists, -np.log2(np.minimum(share, 1.0)))

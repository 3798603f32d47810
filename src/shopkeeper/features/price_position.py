"""Where the price of an item stands among those of its category: 0 the cheapest, 1 the dearest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shopkeeper.types import BoolArray, Float32Array, Float64Array, Int64Array

MIDDLE = 0.5


def price_positions(price: Float64Array, levels: Sequence[Int64Array], there: BoolArray, fewest: int) -> Float32Array:
    """Share of the items of the same category that are cheaper, those of the same price counted half.

    Args:
        price: float64 [n]; NaN where unknown.
        levels: int64 [n] each; the category of each item at one depth, the widest first, -1 where its path ends
            earlier. All items together are the level above.
        there: bool [n]; items that are compared with. The others are placed among them.
        fewest: The deepest category counts that has at least so many items to compare with.

    Returns:
        float32 [n] from 0 to 1; 0.5 where the price is unknown or there is nothing to compare with.
    """
    known = np.isfinite(price)
    positions = np.full(len(price), MIDDLE, dtype=np.float32)
    for level in (np.zeros(len(price), dtype=np.int64), *levels):
        within, compared = _within(price, level, known & there)
        enough = known & (level >= 0) & (compared >= fewest)
        positions[enough] = within[enough]
    return positions


def _within(price: Float64Array, level: Int64Array, counted: BoolArray) -> tuple[Float64Array, Int64Array]:
    """The position at one level, float64 [n], and how many items it is among, int64 [n]."""
    order = np.lexsort((price, level))
    group, value = level[order], price[order]
    starts = np.concatenate([[True], (group[1:] != group[:-1]) | (value[1:] != value[:-1])])
    pair = np.cumsum(starts) - 1  # of equal level and price
    here = np.bincount(pair, weights=counted[order])
    below = np.cumsum(here) - here
    first = np.searchsorted(group, group)  # place where the level of each row begins
    before_group = below[pair[first]]
    last = np.searchsorted(group, group, side="right") - 1
    total = below[pair[last]] + here[pair[last]] - before_group
    position = (below[pair] - before_group + here[pair] / 2) / np.maximum(total, 1)
    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    return position[back], total[back].astype(np.int64)

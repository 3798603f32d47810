"""How often shoppers come back to the same item: decides whether items already seen are hidden from a list."""

from __future__ import annotations

import numpy as np

from shopkeeper.data.histories import Histories

HIDE_SEEN_BELOW = 0.05
"""Seen items are hidden where fewer than this share of events repeat an item of the same shopper."""


def repeat_share(histories: Histories) -> float:
    """Share of events whose item occurs earlier in the same history (0 for no events).

    Consecutive events on one item count as one visit: a cart after a view of the same product is not a return to it.
    """
    if histories.n_events == 0:
        return 0.0
    rows, items = histories.rows, np.asarray(histories.item_index)
    moved = np.ones(len(items), dtype=bool)
    moved[1:] = (items[1:] != items[:-1]) | (rows[1:] != rows[:-1])
    keys = rows[moved] * (int(items.max()) + 1) + items[moved]
    return float(1.0 - len(np.unique(keys)) / len(keys))

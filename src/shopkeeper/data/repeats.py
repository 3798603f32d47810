"""How often shoppers come back to the same item: decides what is hidden from a list (see `hiding`)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.types import Float64Array, Int32Array

HIDE_BELOW: Final = 0.05
"""Items are hidden for ever where fewer than this share of events repeat an item of the same shopper."""
SOON_BELOW: Final = 0.01
"""Where more do, an item stays hidden for as long as fewer than this share of purchases come back to it."""
DAY: Final = 86_400_000_000


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


@dataclass(frozen=True)
class Repurchases:
    """Purchases, each with the days since the same shopper bought the same item before.

    Lines of one basket, which share a moment, are one purchase.

    Attributes:
        item_index: int32 [purchases].
        days: float64 [purchases]; infinity for the first one.
    """

    item_index: Int32Array
    days: Float64Array

    @staticmethod
    def of(histories: Histories) -> Repurchases:
        """The purchases of some histories."""
        bought = np.asarray(histories.event_type) == EventType.PURCHASE.code
        rows, items, times = (
            np.asarray(values)[bought] for values in (histories.rows, histories.item_index, histories.timestamp)
        )
        order = np.lexsort((times, items, rows))
        rows, items, times = rows[order], items[order], times[order]
        again = np.zeros(len(items), dtype=bool)
        again[1:] = (rows[1:] == rows[:-1]) & (items[1:] == items[:-1])
        gap = np.diff(times, prepend=times[:1])
        days = np.where(again, gap / DAY, np.inf)
        once = ~(again & (gap == 0))
        return Repurchases(items[once].astype(np.int32), days[once])

    @property
    def share(self) -> float:
        """Share of the purchases that repeat one; 0 for no purchases."""
        return float(np.isfinite(self.days).mean()) if len(self.days) else 0.0

    def hidden_days(self) -> float | None:
        """Days that a bought item should stay hidden; see `days_of`."""
        return self.days_of(self.days)

    def by_group(self, group: Int32Array, n: int) -> list[Float64Array]:
        """The days of the purchases of each of n groups; `group` is int32 [purchases], -1 for none."""
        order = np.argsort(group, kind="stable")
        bounds = np.searchsorted(group[order], np.arange(n + 1))
        return [self.days[order[start:stop]] for start, stop in pairwise(bounds.tolist())]

    @staticmethod
    def days_of(days: Float64Array) -> float | None:
        """How long an item should stay hidden after a purchase.

        Args:
            days: float64 [purchases]; since the purchase before, infinity for a first one.

        Returns:
            None, for ever, where fewer than 5 % repeat; else the days within which fewer than 1 % do.
        """
        if not len(days) or np.isfinite(days).mean() < HIDE_BELOW:
            return None
        soon = np.sort(days)[int(SOON_BELOW * len(days))]
        return float(np.floor(soon * 24) / 24)

"""Pairs given an event, a cart say, asked about at any moment: those whose event lies not long back.

A landmark stands at a regular moment; the pairs are those of which the event happened in the `active_days` before.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from shopkeeper.data.cutoffs import MICROSECONDS_A_DAY
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.pairs import Pairs, rows_at_landmarks
from shopkeeper.data.examples.window import Window
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.errors import DataError
from shopkeeper.types import Int32Array, Int64Array

NEVER: Final = np.iinfo(np.int64).min // 2
"""A moment before all others."""


def at_landmarks(window: Window, given: EventType) -> Examples:
    """At regular moments all pairs whose event of a type lies at most `active_days` back.

    Raises:
        DataError: There is no such pair, or no event of the target.
    """
    rows = rows_at_landmarks(window)
    pairs = Pairs(window, rows)
    since = window.places_at(rows.user, rows.time - round(window.settings.active_days * MICROSECONDS_A_DAY))
    found = pairs.with_events(np.flatnonzero(window.kind == given.code), since, rows.first)
    if not len(found):
        raise DataError(
            f"no event of type {given.value} lies before a moment whose horizon is within the log",
            expected=f"events of type {given.value}, and a log that goes on for as long as the horizon after them",
            remedy="give a longer log, a shorter horizon, or other candidates",
        )
    return pairs.examples(found, [pairs.came(wanted) for wanted in window.settings.labeled], 1.0)


class GivenEvents:
    """When the event of a pair was last, for many pairs at many moments.

    Args:
        user: int32 [events].
        item: int32 [events].
        time: int64 [events]; Unix microseconds.
    """

    def __init__(self, user: Int32Array, item: Int32Array, time: Int64Array) -> None:
        order = np.lexsort((time, item, user))
        pair = user[order].astype(np.int64) << 32 | item[order]
        self._time = time[order]
        self._pairs, first = np.unique(pair, return_index=True)
        self._starts = np.append(first, len(pair))

    def latest(self, user: Int32Array, item: Int32Array, time: Int64Array) -> Int64Array:
        """When each pair had its last event before its moment, int64 [n]; `NEVER` where it had none."""
        if not len(self._pairs):
            return np.full(len(user), NEVER)
        wanted = user.astype(np.int64) << 32 | item
        number = np.minimum(np.searchsorted(self._pairs, wanted), len(self._pairs) - 1)
        low, high = self._starts[number].copy(), self._starts[number + 1].copy()
        while (low < high).any():  # bisection of all at once: the first event that is not before the moment
            middle = (low + high) // 2
            open_ = low < high
            earlier = open_ & (self._time[np.minimum(middle, len(self._time) - 1)] < time)
            low = np.where(earlier, middle + 1, low)
            high = np.where(open_ & ~earlier, middle, high)
        there = (self._pairs[number] == wanted) & (low > self._starts[number])
        return np.where(there, self._time[np.maximum(low - 1, 0)], NEVER)

    @staticmethod
    def of(histories: Histories, given: EventType) -> GivenEvents:
        """Those of a type of a log."""
        places = np.flatnonzero(np.asarray(histories.event_type) == given.code)
        user = (histories.rows[places] + 1).astype(np.int32)
        return GivenEvents(user, np.asarray(histories.item_index)[places], np.asarray(histories.timestamp)[places])

    def pairs_since(self, since: int, until: int) -> tuple[Int32Array, Int32Array]:
        """Shoppers and items, int32 each, of the pairs that had the event in a span of time, by shopper and item."""
        inside = (self._time >= since) & (self._time < until)
        pair = self._pairs[np.unique(np.repeat(np.arange(len(self._pairs)), np.diff(self._starts))[inside])]
        return (pair >> 32).astype(np.int32), (pair & 0xFFFFFFFF).astype(np.int32)

"""Regular moments of a log, and who is asked about at each: landmarks, most of which find nobody in the shop.

The latest landmark comes first: its horizon ends with the window. At each all shoppers are asked about who had an event
of interest not long before; what `predict` asks without a visit is the same question.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from shopkeeper.data.cutoffs import MICROSECONDS_A_DAY
from shopkeeper.data.examples.window import Window
from shopkeeper.errors import DataError
from shopkeeper.types import Int32Array, Int64Array

SHOPPERS_DAYS: Final = 30.0
"""Days between landmarks of shoppers without an item."""
ENOUGH: Final = 12
"""Landmarks of a window that is hardly longer than the horizon."""
TURN: Final = 0.382
"""Part of a day that landmarks of pairs come earlier from one to the next, so that they see all hours and weekdays."""
MOST_SHOPPERS: Final = 1 << 23
"""So many shoppers of all landmarks are asked about at once at most; of larger logs some, drawn at random."""


def landmarks(window: Window) -> Int64Array:
    """Moments whose horizon lies in the window, ascending, int64; Unix microseconds."""
    last = window.until - window.reach
    return np.arange(last, window.start - 1, -_every(window, last), dtype=np.int64)[::-1]


def _every(window: Window, last: int) -> int:
    """Microseconds from one landmark to the next."""
    given = window.settings.every_days
    if given is not None or window.settings.about_shoppers:
        return max(1, round((SHOPPERS_DAYS if given is None else given) * MICROSECONDS_A_DAY))
    every = min(window.reach, (last - window.start) // ENOUGH)
    turned = every - round(TURN * MICROSECONDS_A_DAY)
    return max(1, turned if turned > every // 2 else every)


def active_shoppers(window: Window, moments: Int64Array) -> tuple[Int32Array, Int64Array]:
    """Shoppers with an event of interest in the `active_days` before each moment, moment by moment.

    Of a log with very many shoppers a random share is asked about, the same at all moments.

    Args:
        window: The log.
        moments: int64; ascending.

    Returns:
        int32 [n] shoppers and int64 [n] moments.

    Raises:
        DataError: There are none.
    """
    users = np.arange(1, window.log.n_users + 1, dtype=np.int32)
    share = MOST_SHOPPERS / max(1, len(users) * len(moments))
    if share < 1:
        users = users[np.random.default_rng(window.settings.seed).random(len(users)) < share]
    active = round(window.settings.active_days * MICROSECONDS_A_DAY)
    shown = np.concatenate([[0], np.cumsum(window.interest)])

    def n_before(at: int) -> Int64Array:
        return shown[window.places_at(users, at)]

    there = [users[n_before(at) > n_before(at - active)] for at in moments.tolist()]
    counts = [len(one) for one in there]
    if not sum(counts):
        raise DataError(
            "no shopper is active at a moment whose horizon lies within the log",
            remedy="give a longer log, a shorter horizon, or more active_days",
        )
    return np.concatenate(there), np.repeat(moments, counts)

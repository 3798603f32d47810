"""Duplicates: rows that say exactly what an earlier one says, and events fired twice within moments.

The log is sorted by user and time, so both can only stand within a burst: events of one user in which each follows the
one before within so many seconds (0 for exact duplicates). Bursts of one event, most of the log, are never looked at.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopkeeper.data.cleaning.log import Log, Verdict
from shopkeeper.data.cleaning.reasons import Reason
from shopkeeper.types import BoolArray, Int64Array


def duplicates(log: Log) -> Verdict:
    """Finds rows equal to an earlier one in user, item, type, time, quantity, price and session."""
    places, burst = _bursts(log, 0)
    keys: list[NDArray[Any]] = [log.item[places].astype(np.int64) << 8 | log.event_type[places]]
    extra = (log.quantity, log.price, log.session)
    keys += [column[places].view(f"i{column.itemsize}") for column in extra if column is not None]
    repeated = np.zeros(len(log), dtype=bool)
    order = np.lexsort((*reversed(keys), burst))
    repeated[places[order[1:]]] = _equal_to_previous([burst, *keys], order)
    return Verdict.of({Reason.DUPLICATE: repeated}, len(log))


def near_duplicates(log: Log, seconds: float) -> Verdict:
    """Finds events that follow one of the same user, item and type within so many seconds.

    A chain of them counts as one: only its first event stays.
    """
    within = round(seconds * 1_000_000)
    places, burst = _bursts(log, within)
    key = log.item[places].astype(np.int64) << 8 | log.event_type[places]
    order = np.lexsort((key, burst))
    time = log.time[places[order]]
    repeated = np.zeros(len(log), dtype=bool)
    repeated[places[order[1:]]] = _equal_to_previous([burst, key], order) & (time[1:] - time[:-1] <= within)
    return Verdict.of({Reason.NEAR_DUPLICATE: repeated}, len(log))


def _bursts(log: Log, within: int) -> tuple[Int64Array, Int64Array]:
    """Places of the events in bursts of more than one, in order, and the number of the burst of each; int64 both."""
    linked = np.zeros(len(log) + 1, dtype=bool)
    near = log.time[1:] == log.time[:-1] if within == 0 else log.time[1:] - log.time[:-1] <= within
    linked[1:-1] = near & (log.user[1:] == log.user[:-1])
    places = np.flatnonzero(linked[1:] | linked[:-1])
    return places, np.cumsum(~linked[places])


def _equal_to_previous(keys: list[NDArray[Any]], order: Int64Array) -> BoolArray:
    """Whether each event but the first, in this order, equals the one before it in all keys."""
    equal = np.ones(max(len(order) - 1, 0), dtype=bool)
    for key in keys:
        ordered = key[order]
        equal &= ordered[1:] == ordered[:-1]
    return equal

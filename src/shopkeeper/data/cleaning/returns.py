"""Returns netted against earlier purchases of the same item by the same shopper.

A return takes the latest purchases first, as many units as it brings back. No stack is needed for that: let the height
be the units that the shopper holds of the item, each purchase raising it and each return lowering it, never below zero.
The units of a purchase lie between the height before and the height after it, and those survive below which the height
never falls later. So a purchase keeps min(height after, lowest later height) - height before units, and one running
sum and two running minima within each pair of shopper and item answer it for all events at once.
"""

from __future__ import annotations

import numpy as np

from shopkeeper.data.cleaning.log import Log, Verdict
from shopkeeper.data.cleaning.reasons import Reason
from shopkeeper.data.schema import EventType
from shopkeeper.types import BoolArray, Float64Array, Int64Array

NOTHING = 1e-6
"""Units below which a difference is rounding of the running sum."""


def net_returns(log: Log, fit_until: int | None) -> Verdict:
    """Sets returns off against purchases; of a purchase returned in part the quantity is reduced in the log.

    All returns leave the log, each with what became of it. An event without a quantity counts as one unit.

    Args:
        log: Sorted by user and time; its quantities are changed.
        fit_until: Returns from this moment on never touch a purchase before it, Unix microseconds; None for no such
            moment.
    """
    places = _affected(log)
    later = np.zeros(len(places), dtype=bool) if fit_until is None else log.time[places] >= fit_until
    pair = _pairs(log, places)
    order = np.lexsort((pair, later))
    places, later, pair = places[order], later[order], pair[order]
    is_return = log.event_type[places] == EventType.RETURN.code
    units = _units(log, places)
    starts = np.ones(len(places), dtype=bool)
    starts[1:] = (pair[1:] != pair[:-1]) | (later[1:] != later[:-1])
    taken = _taken(units, is_return, starts)
    untouched = np.isin(pair, pair[~later & ~is_return]) & later
    masks = {
        Reason.RETURNED: ~is_return & (taken > NOTHING) & (taken >= units - NOTHING),
        Reason.RETURN_NETTED: is_return & (taken > NOTHING),
        Reason.RETURN_AFTER_TRAINING: is_return & untouched,
        Reason.RETURN_WITHOUT_PURCHASE: is_return,
    }
    partly = ~is_return & (taken > NOTHING) & (taken < units - NOTHING)
    if log.quantity is not None:
        log.quantity[places[partly]] = (units - taken)[partly]
    facts = {"purchases_reduced": int(np.count_nonzero(partly))}
    found = Verdict.of(masks, len(places), facts)
    reason = np.zeros(len(log), dtype=np.uint8)
    reason[places] = found.reason
    return Verdict(reason, facts)


def _affected(log: Log) -> Int64Array:
    """Places of all returns, and of the purchases of shoppers who returned anything."""
    is_return = log.event_type == EventType.RETURN.code
    returned = np.zeros(int(log.user[-1]) + 1 if len(log) else 1, dtype=bool)
    returned[log.user[is_return]] = True
    is_purchase = log.event_type == EventType.PURCHASE.code
    return np.flatnonzero(is_return | (is_purchase & returned[log.user]))


def _pairs(log: Log, places: Int64Array) -> Int64Array:
    """One number for each pair of user and item, int64."""
    return log.user[places].astype(np.int64) << 32 | log.item[places]


def _units(log: Log, places: Int64Array) -> Float64Array:
    """Units of each event; 1 where the quantity is unknown."""
    if log.quantity is None:
        return np.ones(len(places))
    quantity = log.quantity[places].astype(np.float64)
    return np.where(np.isnan(quantity), 1.0, np.maximum(quantity, 0.0))


def _taken(units: Float64Array, is_return: BoolArray, starts: BoolArray) -> Float64Array:
    """Of a purchase the units that returns took; of a return the units that it found.

    Args:
        units: Of each event, oldest first within its group.
        is_return: Which events are returns; the others are purchases.
        starts: Which events begin a group.
    """
    if len(units) == 0:
        return units
    step = np.where(is_return, -units, units)
    total = np.cumsum(step)
    first = np.flatnonzero(starts)[np.cumsum(starts) - 1]
    total -= (total - step)[first]
    floor = np.minimum(_running_minimum(total, starts), 0.0)
    height = total - floor
    before = np.where(starts, 0.0, np.concatenate([[0.0], height[:-1]]))
    ends = np.append(starts[1:], True)
    lowest_later = _running_minimum(height[::-1], ends[::-1])[::-1]
    survives = np.maximum(lowest_later - before, 0.0)
    return np.where(is_return, before - height, units - survives)


def _running_minimum(values: Float64Array, starts: BoolArray) -> Float64Array:
    """The least value so far within each group, by doubling: log2 of the longest group many passes."""
    lowest = values.copy()
    place = np.arange(len(values))
    since_start = place - np.flatnonzero(starts)[np.cumsum(starts) - 1]
    reach = 1
    while reach <= since_start.max():
        inside = np.flatnonzero(since_start >= reach)
        lowest[inside] = np.minimum(lowest[inside], lowest[inside - reach])
        reach *= 2
    return lowest

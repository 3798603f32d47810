"""Returns netted against earlier purchases of the same item by the same shopper.

A return takes the latest purchases first, as many units as it brings back (see `netting`).
"""

from __future__ import annotations

import numpy as np

from shopkeeper.data.cleaning.log import Log, Verdict
from shopkeeper.data.cleaning.reasons import Reason
from shopkeeper.data.netting import NOTHING, units_of, units_taken
from shopkeeper.data.schema import EventType
from shopkeeper.types import Int64Array


def net_returns(log: Log, fit_until: int | None) -> Verdict:
    """Sets returns off against purchases; of a purchase returned in part the quantity is reduced in the log.

    Returns leave the log, each with what became of it, but for one: training cannot know that a purchase of its part is
    sent back later, so both stay, and whoever asks for the histories of today sees the purchase taken back
    (`Dataset.settled`). An event without a quantity counts as one unit.

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
    units = units_of(len(places), None if log.quantity is None else log.quantity[places])
    starts = np.ones(len(places), dtype=bool)
    starts[1:] = (pair[1:] != pair[:-1]) | (later[1:] != later[:-1])
    taken = units_taken(units, is_return, starts)
    some, whole = taken > NOTHING, taken >= units - NOTHING
    kept = is_return & later & np.isin(pair, pair[~later & ~is_return]) & ~(some & whole)
    masks = {
        Reason.RETURNED: ~is_return & some & whole,
        Reason.RETURN_NETTED: is_return & some & ~kept,
        Reason.RETURN_WITHOUT_PURCHASE: is_return & ~some & ~kept,
    }
    partly = some & ~whole & (~is_return | kept)
    if log.quantity is not None:
        log.quantity[places[partly]] = (units - taken)[partly]
    facts = {
        "purchases_reduced": int(np.count_nonzero(partly & ~is_return)),
        "returns_after_training": int(np.count_nonzero(kept)),
    }
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

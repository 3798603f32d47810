"""What takes something back: returns of purchases and removals from the cart, counted in units.

What is taken back takes the latest first, as many units as it names. No stack is needed for that: let the height be the
units that the shopper holds of the item, each purchase raising it and each return lowering it, never below zero. The
units of a purchase lie between the height before and the height after it, and those survive below which the height
never falls later. So a purchase keeps min(height after, lowest later height) - height before units, and one running sum
and two running minima within each pair of shopper and item answer it for all events at once.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from shopkeeper.data.schema import EventType
from shopkeeper.types import BoolArray, Float32Array, Float64Array, Int64Array, UInt8Array

NOTHING: Final = 1e-6
"""Units below which a difference is rounding of the running sum."""
TAKERS: Final = {EventType.PURCHASE: EventType.RETURN, EventType.CART: EventType.REMOVE_FROM_CART}
"""What is taken back, and by what."""
UNSETTLED: Final = np.zeros(256, dtype=bool)
"""bool [codes]; types of event that say of no interest: where a history has none of them it is settled as it is."""
UNSETTLED[[event_type.code for event_type in (EventType.IMPRESSION, *TAKERS.values())]] = True


def settled(pair: Int64Array, event_type: UInt8Array, quantity: Float32Array | None) -> BoolArray:
    """Which events still say that a shopper wants an item, bool [events].

    Left out are impressions, returns with the purchases that they bring back whole, and removals from the cart with
    what they take out of it. Of two units bought and one returned a purchase stays. An event without a quantity is one
    unit; a removal without one takes all units of the item out of the cart.

    Args:
        pair: int64 [events]; one number for each pair of shopper and item; events of one pair are in the order of time.
        event_type: uint8 [events].
        quantity: float32 [events], NaN where unknown; or None.
    """
    keep = ~UNSETTLED[event_type]
    for given, taker in TAKERS.items():
        takes = event_type == taker.code
        if takes.any():
            places = np.flatnonzero(takes | (event_type == given.code))
            places = places[np.argsort(pair[places], kind="stable")]
            number = None if quantity is None else quantity[places]
            units = units_of(len(places), number)
            if taker is EventType.REMOVE_FROM_CART:
                unknown = takes[places] if number is None else takes[places] & np.isnan(number)
                units[unknown] = units.sum() + 1
            taken = units_taken(units, takes[places], starts_of(pair[places]))
            keep[places[(taken > NOTHING) & (taken >= units - NOTHING)]] = False
    return keep


def units_of(n: int, quantity: Float32Array | None) -> Float64Array:
    """Units of n events, float64 [n]; 1 where the quantity is unknown."""
    if quantity is None:
        return np.ones(n)
    units = quantity.astype(np.float64)
    return np.where(np.isnan(units), 1.0, np.maximum(units, 0.0))


def starts_of(group: Int64Array) -> BoolArray:
    """Which events begin a group, bool [events]; equal numbers stand together."""
    starts = np.ones(len(group), dtype=bool)
    starts[1:] = group[1:] != group[:-1]
    return starts


def units_taken(units: Float64Array, takes_back: BoolArray, starts: BoolArray) -> Float64Array:
    """Of a purchase the units that returns took; of a return the units that it found.

    Args:
        units: Of each event, oldest first within its group.
        takes_back: Which events are returns; the others are purchases.
        starts: Which events begin a group.
    """
    if len(units) == 0:
        return units
    step = np.where(takes_back, -units, units)
    total = np.cumsum(step)
    first = np.flatnonzero(starts)[np.cumsum(starts) - 1]
    total -= (total - step)[first]
    floor = np.minimum(_running_minimum(total, starts), 0.0)
    height = total - floor
    before = np.where(starts, 0.0, np.concatenate([[0.0], height[:-1]]))
    ends = np.append(starts[1:], True)
    lowest_later = _running_minimum(height[::-1], ends[::-1])[::-1]
    survives = np.maximum(lowest_later - before, 0.0)
    return np.where(takes_back, before - height, units - survives)


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

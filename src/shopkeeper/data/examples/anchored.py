"""Examples that stand at events: logged impressions, or pairs given an event, a cart say.

The label looks at the events behind that one in the order of the log. Where the target is of the same type as the event
that is given, it must also be later: two lines of one basket are no repeat purchase.
"""

from __future__ import annotations

import numpy as np

from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.window import Window
from shopkeeper.data.schema import EventType
from shopkeeper.errors import DataError
from shopkeeper.types import BoolArray, Int64Array


def anchored(window: Window, at: EventType) -> Examples:
    """One example for each event of a type; of the same pair at the same moment the first.

    Raises:
        DataError: There is no such event in the window, or none of the target.
    """
    standing = (window.kind == at.code) & (window.time >= window.start) & (window.time < window.last)
    places = np.flatnonzero(standing)
    pairs = np.stack([window.user[places].astype(np.int64), window.item[places], window.time[places]])
    places = places[np.sort(np.unique(pairs, axis=1, return_index=True)[1])] if len(places) else places
    if len(places) == 0:
        raise DataError(
            f"no event of type {at.value} has its horizon within the log",
            expected=f"events of type {at.value}, and a log that goes on for as long as the horizon after them",
            remedy="give a longer log, a shorter horizon, or other candidates",
        )
    placement = window.log.histories.placement
    wanted = window.settings.labeled
    labels = np.stack([_came(window, places, at, one) for one in wanted], axis=1).astype(np.float32)
    return Examples(
        user_index=window.user[places],
        item_index=window.item[places],
        timestamp=window.time[places],
        label=labels[:, 0],
        behaviors=tuple(one.value for one in wanted) if len(wanted) > 1 else (),
        labels=labels if len(wanted) > 1 else None,
        placement=None if placement is None else np.asarray(placement)[places],
    )


def _came(window: Window, places: Int64Array, at: EventType, wanted: EventType) -> BoolArray:
    """Whether an event of the wanted type came within the horizon, bool [n]."""
    target = np.flatnonzero(window.is_of(wanted))
    same_type = at == wanted
    after = window.tie_end[places] if same_type else places + 1
    following = _next_of_pair(window, places, after, target)
    found = following < len(window.time)
    there = np.where(found, following, 0)
    if window.settings.horizon == "session":
        soon: BoolArray = following < window.session_end[places]
    elif window.settings.horizon == "days":
        soon = window.time[there] < window.time[places] + window.reach
    else:
        soon = window.time[there] == _time_of_next(window, places, after)
    return found & soon


def _next_of_pair(window: Window, places: Int64Array, after: Int64Array, target: Int64Array) -> Int64Array:
    """Place of the first target event of the same shopper and item from `after` on; the number of events if none."""
    n_events = len(window.time)
    pair = window.user.astype(np.int64) * (window.log.n_items + 1) + window.item
    pairs, number = np.unique(pair[target], return_inverse=True)
    codes = number * (n_events + 1) + target
    order = np.argsort(codes)
    asked = np.searchsorted(pairs, pair[places])
    known = (asked < len(pairs)) & (pairs[np.minimum(asked, len(pairs) - 1)] == pair[places])
    first = np.searchsorted(codes[order], asked * (n_events + 1) + after)
    inside = known & (first < len(codes))
    chosen = order[np.minimum(first, len(codes) - 1)]
    inside &= number[chosen] == asked
    return np.where(inside, target[chosen], n_events).astype(np.int64)


def _time_of_next(window: Window, places: Int64Array, after: Int64Array) -> Int64Array:
    """Moment of the next event of interest of the shopper from `after` on, int64 [n]; -1 where there is none."""
    wanted = np.flatnonzero(window.interest)
    first = np.searchsorted(wanted, after)
    chosen = wanted[np.minimum(first, len(wanted) - 1)] if len(wanted) else np.zeros_like(first)
    same = (first < len(wanted)) & (window.user[chosen] == window.user[places])
    return np.where(same, window.time[chosen], -1).astype(np.int64)

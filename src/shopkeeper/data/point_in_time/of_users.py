"""What was known of the shopper: how much, how lately, how dearly and how widely he looked and bought."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopkeeper.data.point_in_time.asked import Asked
from shopkeeper.data.point_in_time.log import Log
from shopkeeper.data.point_in_time.past import Past
from shopkeeper.data.point_in_time.sums import Column, Sums
from shopkeeper.data.schema import EventType
from shopkeeper.types import BoolArray, Float64Array, Int32Array, Int64Array

Columns = dict[str, NDArray[Any]]
WINDOWS = (7, 30)
"""Days that are counted by themselves."""


class OfUsers:
    """Features of shoppers: counts by type, of the last days, recency, tenure, value and concentration.

    Args:
        log: What is known.
    """

    def __init__(self, log: Log) -> None:
        self._latest = log.of_user.latest(log.is_of(EventType.PURCHASE))
        counts: dict[str, Column] = {event_type.value: log.is_of(event_type) for event_type in log.types}
        repeats = log.of_pair.earlier()
        counts["items"] = lambda places: repeats[places] == 0
        amounts: dict[str, Column] = {"paid": log.paid, "price": log.price.__getitem__}
        if not log.all_priced:
            counts["priced"] = log.is_priced
            amounts["price"] = lambda places: np.nan_to_num(log.price[places])
        for name in ("category", "brand"):
            value = log.attribute(name)
            if not value[1:].all():
                counts[name] = partial(_known, log, value)
            if value.any():
                amounts[f"{name} squared"] = partial(_growth, log, value, log.of_user_and(name).earlier())
        self._sums = Sums(log.n, log.of_user, counts, amounts)
        self._types = log.types

    def columns(self, asked: Asked) -> Columns:
        """Columns of n numbers."""
        past: Past = asked.log.of_user
        spans, *windows = asked.windows_of_user
        sums = self._sums.between(spans.start, spans.stop)
        found: Columns = {"user_events": spans.count}
        found |= {f"user_{event_type.value}s": sums[event_type.value] for event_type in self._types}
        found |= {f"user_events_{days}d": window.count for days, window in zip(asked.windows, windows, strict=True)}
        found["user_days_since_first"] = asked.days_since(np.where(spans.count > 0, past.place(spans.start), past.n))
        found["user_days_since_last"] = asked.days_since(spans.last)
        bought = self._latest[spans.stop - 1]
        found["user_days_since_purchase"] = asked.days_since(
            np.where(bought >= spans.start, past.place(bought), past.n)
        )
        found["user_spent"] = sums["paid"]
        events = spans.count.astype(np.float64)
        found["user_mean_price"] = ratio(sums["price"], sums.get("priced", events))
        found["user_items"] = sums["items"]
        for name in ("category", "brand"):
            squares = sums.get(f"{name} squared", np.zeros_like(events))
            found[f"user_{name}_concentration"] = ratio(squares, sums.get(name, events) ** 2)
        return found


def _known(log: Log, value: Int64Array, places: Any) -> BoolArray:
    """Whether a number of the item (int64 [n_items + 1]) is known of the events at these places."""
    known: BoolArray = value[log.item[places]] > 0
    return known


def _growth(log: Log, value: Int64Array, earlier: Int32Array, places: Any) -> Int64Array:
    """By how much each event makes the sum of the squared counts of the values grow, int64.

    The square of a count grows by 2 m + 1 with an event that m others of the same value came before.
    """
    return np.where(_known(log, value, places), 2 * earlier[places].astype(np.int64) + 1, 0)


def ratio(part: Float64Array, whole: Float64Array) -> Float64Array:
    """Part / whole; NaN where the whole is 0."""
    result = np.full(len(part), np.nan)
    np.divide(part, whole, out=result, where=whole > 0)
    return result

"""What was known of the shopper: how much, how lately, how dearly and how widely he looked and bought."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopkeeper.data.point_in_time.asked import Asked
from shopkeeper.data.point_in_time.log import Log
from shopkeeper.data.point_in_time.past import Past
from shopkeeper.data.point_in_time.sums import Sums
from shopkeeper.data.schema import EventType
from shopkeeper.types import Float64Array

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
        known = np.isfinite(log.price)
        counts: Columns = {event_type.value: log.is_of(event_type) for event_type in log.types}
        counts |= {"priced": known, "items": log.of_pair.earlier() == 0}
        amounts: Columns = {"paid": log.paid, "price": np.where(known, log.price, 0.0)}
        for name in ("category", "brand"):
            counts[name], amounts[f"{name} squared"] = _squares(log, name)
        self._sums = Sums(log.of_user, counts, amounts)
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
        found["user_mean_price"] = ratio(sums["price"], sums["priced"])
        found["user_items"] = sums["items"]
        for name in ("category", "brand"):
            found[f"user_{name}_concentration"] = ratio(sums[f"{name} squared"], sums[name] ** 2)
        return found


def _squares(log: Log, name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Whether the attribute is known of each event, and by how much it makes the sum of squared counts grow.

    The square of a count grows by 2 m + 1 with an event that m others of the same value came before.
    """
    known = log.attribute(name)[log.item] > 0
    if not known.any():
        return known, np.zeros(log.n, dtype=np.int64)
    return known, np.where(known, 2 * log.of_user_and(name).earlier() + 1, 0)


def ratio(part: Float64Array, whole: Float64Array) -> Float64Array:
    """Part / whole; NaN where the whole is 0."""
    result = np.full(len(part), np.nan)
    np.divide(part, whole, out=result, where=whole > 0)
    return result

"""What was known of the shopper: how much, how lately, how dearly and how widely he looked and bought."""

from __future__ import annotations

import numpy as np

from shopkeeper.data.point_in_time.asked import Asked
from shopkeeper.data.point_in_time.past import Past, total
from shopkeeper.data.schema import EventType
from shopkeeper.types import Float64Array, Int64Array

WINDOWS = (7, 30)
"""Days that are counted by themselves."""


def user_features(asked: Asked) -> dict[str, Float64Array | Int64Array]:
    """Columns of n numbers: counts by type, of the last days, recency, tenure, value and concentration."""
    log, spans, past = asked.log, asked.of_user, asked.log.of_user
    columns: dict[str, Float64Array | Int64Array] = {"user_events": spans.count}
    for event_type in log.types:
        columns[f"user_{event_type.value}s"] = total(past.summed(log.is_of(event_type)), spans)
    for days in WINDOWS:
        columns[f"user_events_{days}d"] = past.since(asked.users, asked.days_before(days), spans).count
    columns["user_days_since_first"] = asked.days_since_first(past, spans)
    columns["user_days_since_last"] = asked.days_since_last(past, spans)
    bought = log.is_of(EventType.PURCHASE)
    columns["user_days_since_purchase"] = asked.days_since_last(past, spans, bought)
    columns["user_spent"] = total(past.summed(log.paid), spans)
    known = np.isfinite(log.price)
    columns["user_mean_price"] = ratio(
        total(past.summed(np.where(known, log.price, 0.0)), spans), total(past.summed(known), spans)
    )
    columns["user_items"] = total(past.summed(earlier(log.of_pair, len(log.time)) == 0), spans)
    for name, attribute in (("category", log.category), ("brand", log.brand)):
        columns[f"user_{name}_concentration"] = _concentration(asked, attribute[log.item])
    return columns


def earlier(past: Past, n: int) -> Int64Array:
    """For each of n events of the log how many of the same key stand before it in order of time, int64 [n].

    Of events at the same time one may count before the other: only sums over whole moments of this mean something.
    """
    counts = np.empty(n, dtype=np.int64)
    counts[past.places] = past.numbers_in_key()
    return counts


def _concentration(asked: Asked, value: Int64Array) -> Float64Array:
    """Sum of the squared shares of the values (int64 [events], 0 unknown) among the events of the shopper before.

    The square of a count grows by 2 m + 1 with an event that m others of the same value came before.
    """
    log, past = asked.log, asked.log.of_user
    known = value > 0
    same = Past(log.clock, log.pairs(log.user, value), log.ticks)
    growth = np.where(known, 2 * earlier(same, len(value)) + 1, 0)
    n = total(past.summed(known), asked.of_user)
    return ratio(total(past.summed(growth), asked.of_user), n * n)


def ratio(part: Float64Array, whole: Float64Array) -> Float64Array:
    """Part / whole; NaN where the whole is 0."""
    result = np.full(len(part), np.nan)
    np.divide(part, whole, out=result, where=whole > 0)
    return result

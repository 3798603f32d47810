"""What was known of the item: how wanted, how old, how dear among its like, and how often it was taken when seen."""

from __future__ import annotations

import numpy as np

from shopkeeper.data.cutoffs import MICROSECONDS_A_DAY
from shopkeeper.data.point_in_time.asked import Asked
from shopkeeper.data.point_in_time.of_users import WINDOWS, ratio
from shopkeeper.data.point_in_time.past import Past, total
from shopkeeper.data.schema import EventType
from shopkeeper.types import Float64Array, Int64Array

STEPS = (
    (EventType.IMPRESSION, EventType.VIEW),
    (EventType.VIEW, EventType.CART),
    (EventType.VIEW, EventType.PURCHASE),
    (EventType.CART, EventType.PURCHASE),
    (EventType.PURCHASE, EventType.RETURN),
)
SMOOTHING = 20.0
"""A rate of an item counts so many events at the rate of the whole shop beside its own."""


def item_features(asked: Asked) -> dict[str, Float64Array | Int64Array]:
    """Columns of n numbers: counts by type and of the last days, age, price and its place, conversion."""
    log, spans, past = asked.log, asked.of_item, asked.log.of_item
    columns: dict[str, Float64Array | Int64Array] = {"item_events": spans.count}
    for event_type in log.types:
        columns[f"item_{event_type.value}s"] = total(past.summed(log.is_of(event_type)), spans)
    for days in WINDOWS:
        columns[f"item_events_{days}d"] = past.since(asked.items, asked.days_before(days), spans).count
    columns["item_age_days"] = _age(asked)
    columns["item_days_since_last"] = asked.days_since_last(past, spans)
    columns["item_price"] = price_at(asked)
    with np.errstate(divide="ignore"):
        logarithm = np.log(columns["item_price"])
    for name, attribute in (("shop", np.zeros_like(log.category)), ("category", log.category)):
        columns[f"item_price_to_{name}"] = logarithm - _mean_log_price(asked, attribute)
    return columns | _conversion(asked)


def price_at(asked: Asked) -> Float64Array:
    """The last price of the item before, else that of the catalog, float64 [n]; NaN where neither is known."""
    log, spans, past = asked.log, asked.of_item, asked.log.of_item
    price = log.listed_price[asked.item]
    if log.dataset.price is not None:
        last = np.where(spans.count > 0, past.latest(np.isfinite(log.price))[spans.stop - 1], -1)
        there = last >= spans.start
        there &= spans.count > 0
        price[there] = log.price[past.places][last[there]]
    return price


def _age(asked: Asked) -> Float64Array:
    """Days since the item was made or first seen, whatever was earlier, float64 [n]; NaN where it was neither."""
    since_first = asked.days_since_first(asked.log.of_item, asked.of_item)
    created = asked.log.created[asked.item]
    since_created = np.where(created <= asked.time, (asked.time - created) / MICROSECONDS_A_DAY, np.nan)
    return np.fmax(since_first, since_created)


def _mean_log_price(asked: Asked, group: Int64Array) -> Float64Array:
    """Mean logarithm of the prices in the events before of items of the same group; NaN where there are none.

    Args:
        asked: The questions.
        group: int64 [n_items + 1].
    """
    log = asked.log
    known = np.isfinite(log.price)
    past = Past(log.clock, group[log.item], log.ticks, which=known)
    spans = past.before(past.numbers(group[asked.item]), asked.ticks)
    logarithm = np.log(np.where(known, log.price, 1.0))
    return ratio(total(past.summed(logarithm), spans), spans.count.astype(np.float64))


def _conversion(asked: Asked) -> dict[str, Float64Array | Int64Array]:
    """Rates from one type of event to another so far, drawn to those of the whole shop so far."""
    log, past = asked.log, asked.log.of_item
    everything = Past(log.clock, np.zeros_like(log.item), log.ticks)
    so_far = everything.before(np.zeros_like(asked.item), asked.ticks)
    columns: dict[str, Float64Array | Int64Array] = {}
    for before, after in STEPS:
        if before not in log.types or after not in log.types:
            continue
        whole, own = (
            [total(source.summed(log.is_of(kind)), spans) for kind in (before, after)]
            for source, spans in ((everything, so_far), (past, asked.of_item))
        )
        usual = ratio(whole[1], whole[0])
        columns[f"item_{after.value}_per_{before.value}"] = (own[1] + SMOOTHING * usual) / (own[0] + SMOOTHING)
    return columns

"""What was known of the item: how wanted, how old, how dear among its like, and how often it was taken when seen."""

from __future__ import annotations

import numpy as np

from shopkeeper.data.cutoffs import MICROSECONDS_A_DAY
from shopkeeper.data.point_in_time.asked import Asked
from shopkeeper.data.point_in_time.log import Log
from shopkeeper.data.point_in_time.of_users import Columns, ratio
from shopkeeper.data.point_in_time.past import Spans
from shopkeeper.data.point_in_time.sums import Column, Sums
from shopkeeper.data.schema import EventType
from shopkeeper.types import Float64Array

STEPS = (
    (EventType.IMPRESSION, EventType.VIEW),
    (EventType.VIEW, EventType.CART),
    (EventType.VIEW, EventType.PURCHASE),
    (EventType.CART, EventType.PURCHASE),
    (EventType.PURCHASE, EventType.RETURN),
)
SMOOTHING = 20.0
"""A rate of an item counts so many events at the rate of the whole shop beside its own."""


class OfItems:
    """Features of items: counts by type and of the last days, age, price and its place, conversion.

    Args:
        log: What is known.
    """

    def __init__(self, log: Log) -> None:
        types: dict[str, Column] = {event_type.value: log.is_of(event_type) for event_type in log.types}
        prices: dict[str, Column] = {"log price": lambda places: np.nan_to_num(np.log(log.price[places]))}
        priced: dict[str, Column] = {} if log.all_priced else {"priced": log.is_priced}
        self._own = Sums(log.n, log.of_item, types, {})
        self._shop = Sums(log.n, None, types | priced, prices)
        self._category = Sums(log.n, log.of_category, priced, prices)
        self._priced = None if log.all_priced else log.of_item.latest(log.is_priced)
        """The last event up to each that tells a price; None where each does."""
        self._types = log.types

    def columns(self, asked: Asked) -> Columns:
        """Columns of n numbers."""
        log, past = asked.log, asked.log.of_item
        spans, *windows = past.spans(asked.item, *asked.stops_of_item)
        own = self._own.between(spans.start, spans.stop)
        found: Columns = {"item_events": spans.count}
        found |= {f"item_{event_type.value}s": own[event_type.value] for event_type in self._types}
        found |= {f"item_events_{days}d": window.count for days, window in zip(asked.windows, windows, strict=True)}
        found["item_age_days"] = _age(asked, spans)
        found["item_days_since_last"] = asked.days_since(spans.last)
        found["item_price"] = self._price(asked, spans)
        with np.errstate(divide="ignore"):
            logarithm = np.log(found["item_price"])
        shop = self._shop.until(asked.moment)
        (alike,) = log.of_category.spans(asked.category, *asked.stops_of_category)
        of_category = self._category.between(alike.start, alike.stop)
        for name, sums, events in (("shop", shop, asked.moment), ("category", of_category, alike.count)):
            n = sums.get("priced", events.astype(np.float64))
            found[f"item_price_to_{name}"] = logarithm - ratio(sums["log price"], n)
        return found | self._conversion(own, shop)

    def _price(self, asked: Asked, spans: Spans) -> Float64Array:
        """The last price of the item before, else that of the catalog, float64 [n]; NaN where neither is known."""
        log = asked.log
        price = log.listed_price[asked.item]
        if log.dataset.price is not None:
            last = spans.stop - 1 if self._priced is None else self._priced[spans.stop - 1].astype(np.int64)
            there = last >= spans.start
            price[there] = log.price[log.of_item.place(last[there])]
        return price

    def _conversion(self, own: dict[str, Float64Array], shop: dict[str, Float64Array]) -> Columns:
        """Rates from one type of event to another so far, drawn to those of the whole shop so far."""
        found: Columns = {}
        for before, after in STEPS:
            if before in self._types and after in self._types:
                usual = ratio(shop[after.value], shop[before.value])
                rate = (own[after.value] + SMOOTHING * usual) / (own[before.value] + SMOOTHING)
                found[f"item_{after.value}_per_{before.value}"] = rate
        return found


def _age(asked: Asked, spans: Spans) -> Float64Array:
    """Days since the item was made or first seen, whatever was earlier, float64 [n]; NaN where it was neither."""
    past = asked.log.of_item
    since_first = asked.days_since(np.where(spans.count > 0, past.place(spans.start), past.n))
    if asked.log.created is None:
        return since_first
    created = asked.log.created[asked.item]
    since_created = np.where(created <= asked.time, (asked.time - created) / MICROSECONDS_A_DAY, np.nan)
    return np.fmax(since_first, since_created)

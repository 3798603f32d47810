"""The questions: shopper, item and moment of each example, with what of the log lies before."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from shopkeeper.data.cutoffs import MICROSECONDS_A_DAY
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.point_in_time.log import Log
from shopkeeper.data.point_in_time.past import Past, Spans
from shopkeeper.types import BoolArray, Float64Array, Int64Array


class Asked:
    """Examples in the terms of a log; spans that several features need are found once.

    Args:
        log: The log.
        examples: In the indices of its dataset; index 0 is an unknown shopper, or no item.
    """

    def __init__(self, log: Log, examples: Examples) -> None:
        self.log = log
        self.user: Int64Array = examples.user_index.astype(np.int64)
        self.item: Int64Array = examples.item_index.astype(np.int64)
        self.time: Int64Array = examples.timestamp
        self.placement = examples.placement
        self.ticks: Int64Array = log.clock.ticks(self.time)

    def __len__(self) -> int:
        return len(self.user)

    @cached_property
    def users(self) -> Int64Array:
        """Numbers of the shoppers in `log.of_user`."""
        return self.log.of_user.numbers(self.user)

    @cached_property
    def items(self) -> Int64Array:
        """Numbers of the items in `log.of_item`."""
        return self.log.of_item.numbers(self.item)

    @cached_property
    def of_user(self) -> Spans:
        """Events of the shopper before."""
        return self.log.of_user.before(self.users, self.ticks)

    @cached_property
    def of_item(self) -> Spans:
        """Events of the item before."""
        return self.log.of_item.before(self.items, self.ticks)

    @cached_property
    def of_pair(self) -> Spans:
        """Events of the shopper with the item before."""
        past = self.log.of_pair
        return past.before(past.numbers(self.log.pairs(self.user, self.item)), self.ticks)

    def days_before(self, days: float) -> Int64Array:
        """Ticks of the moments so many days earlier."""
        return self.log.clock.ticks(self.time - round(days * MICROSECONDS_A_DAY))

    def days_since_first(self, past: Past, spans: Spans) -> Float64Array:
        """Days since the first event of each span, float64 [n]; NaN where there is none."""
        return self._days(past, spans.start, spans.count > 0)

    def days_since_last(self, past: Past, spans: Spans, which: BoolArray | None = None) -> Float64Array:
        """Days since the last event of each span that counts, float64 [n]; NaN where there is none.

        Args:
            past: What the spans are of.
            spans: The events before.
            which: bool [events] of the log; None takes all.
        """
        last = spans.stop - 1
        if which is not None:
            last = np.where(spans.count > 0, past.latest(which)[last], -1)
        return self._days(past, last, (spans.count > 0) & (last >= spans.start))

    def _days(self, past: Past, place: Int64Array, there: BoolArray) -> Float64Array:
        days = np.full(len(self), np.nan)
        time = self.log.time[past.places][place[there]]
        days[there] = (self.time[there] - time) / MICROSECONDS_A_DAY
        return days

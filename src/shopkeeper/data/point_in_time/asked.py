"""The questions: shopper, item and moment of each example, in the terms of a log."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import cached_property

import numpy as np

from shopkeeper.data.cutoffs import MICROSECONDS_A_DAY
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.point_in_time.log import Log
from shopkeeper.data.point_in_time.past import Spans, search
from shopkeeper.types import Float64Array, Int64Array, UInt8Array


class Asked:
    """Examples asked of a log; what several features need is found once.

    Args:
        log: The log.
        examples: In the indices of its dataset; index 0 is an unknown shopper, or no item.
        windows: Days that are counted by themselves.
    """

    def __init__(self, log: Log, examples: Examples, windows: Sequence[int]) -> None:
        self.log, self.windows = log, windows
        self.user: Int64Array = examples.user_index.astype(np.int64)
        self.item: Int64Array = examples.item_index.astype(np.int64)
        self.time: Int64Array = examples.timestamp
        self.placement: UInt8Array | None = examples.placement

    def __len__(self) -> int:
        return len(self.user)

    @cached_property
    def moments(self) -> list[Int64Array]:
        """Number of events of the log before each moment, and before each window began, int64 [n]."""
        begins = [self.time - days * MICROSECONDS_A_DAY for days in self.windows]
        return search(self.log.time[:-1], [self.time, *begins])

    @property
    def moment(self) -> Int64Array:
        """Number of events of the log before each moment, int64 [n]."""
        return self.moments[0]

    @cached_property
    def category(self) -> Int64Array:
        """Category of each item, int64 [n]; 0 where it is not known."""
        return self.log.category[self.item]

    @cached_property
    def stops_of_item(self) -> list[Int64Array]:
        """Where the events of the item before each moment, and before each window, end."""
        return self.log.of_item.stops(self.item, *self.moments)

    @cached_property
    def stops_of_category(self) -> list[Int64Array]:
        """Where the events of items of the same category before each moment end."""
        return self.log.of_category.stops(self.category, self.moment)

    @cached_property
    def windows_of_user(self) -> tuple[Spans, ...]:
        """Events of the shopper before, and those of each window."""
        return self.log.of_user.before(self.user, *self.moments)

    @property
    def of_user(self) -> Spans:
        """Events of the shopper before, which are also places in the histories of the dataset."""
        return self.windows_of_user[0]

    def look_up(self, items: bool) -> None:
        """Finds what is scattered over the log now: many questions in order lie close to each other.

        Args:
            items: What is asked of items too.
        """
        _ = self.moments
        if items:
            _ = self.stops_of_item, self.stops_of_category

    def part(self, rows: slice) -> Asked:
        """Some of the questions, with what was looked up."""
        some = copy(self)
        some.__dict__ |= {name: self.__dict__[name][rows] for name in ("user", "item", "time")}
        some.placement = None if self.placement is None else self.placement[rows]
        for name in ("moments", "stops_of_item", "stops_of_category"):
            if name in self.__dict__:
                some.__dict__[name] = [column[rows] for column in self.__dict__[name]]
        if "category" in self.__dict__:
            some.__dict__["category"] = self.category[rows]
        return some

    def days_since(self, place: Int64Array) -> Float64Array:
        """Days since the event at each place in the order of time (int64 [n]), float64 [n]; NaN for none."""
        days: Float64Array = (self.time - self.log.time[place]) / MICROSECONDS_A_DAY
        days[place == self.log.n] = np.nan
        return days

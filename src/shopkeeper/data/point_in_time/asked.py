"""The questions: shopper, item and moment of each example, in the terms of a log."""

from __future__ import annotations

from collections.abc import Sequence
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
    def moments(self) -> tuple[Int64Array, ...]:
        """Number of events of the log before each moment, and before each window began, int64 [n]."""
        begins = [self.time - days * MICROSECONDS_A_DAY for days in self.windows]
        return tuple(search(self.log.time[:-1], [self.time, *begins]))

    @property
    def moment(self) -> Int64Array:
        """Number of events of the log before each moment, int64 [n]."""
        return self.moments[0]

    @cached_property
    def windows_of_user(self) -> tuple[Spans, ...]:
        """Events of the shopper before, and those of each window."""
        return self.log.of_user.before(self.user, *self.moments)

    @property
    def of_user(self) -> Spans:
        """Events of the shopper before, which are also places in the histories of the dataset."""
        return self.windows_of_user[0]

    def days_since(self, place: Int64Array) -> Float64Array:
        """Days since the event at each place in the order of time (int64 [n]), float64 [n]; NaN for none."""
        days: Float64Array = (self.time - self.log.time[place]) / MICROSECONDS_A_DAY
        days[place == self.log.n] = np.nan
        return days

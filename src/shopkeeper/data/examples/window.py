"""The part of a log that examples come from: moments from a start on, of which the whole horizon lies before an end.

Nothing at or after the end is looked at, so that labels of training know nothing of what is held out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shopkeeper.data.cutoffs import MICROSECONDS_A_DAY
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.schema import INTEREST_TYPES, EventType
from shopkeeper.errors import DataError
from shopkeeper.types import BoolArray, Int32Array, Int64Array, UInt8Array


@dataclass(frozen=True)
class Window:
    """The events of a log before `until`, by shopper and time.

    Attributes:
        log: The events before `until`; shoppers and items keep their indices.
        settings: What an example is.
        start: First moment of an example, Unix microseconds.
        until: First moment that is not known.
    """

    log: Dataset
    settings: ExampleSettings
    start: int
    until: int

    @staticmethod
    def of(dataset: Dataset, settings: ExampleSettings, start: int | None, until: int | None) -> Window:
        """The window of a log; None is the begin or the end of the log.

        Raises:
            DataError: It holds no event, or sessions are asked for and not known.
        """
        time = np.asarray(dataset.histories.timestamp)
        if len(time) == 0:
            raise DataError("there is no event to make examples of")
        start = int(time.min()) if start is None else start
        end = int(time.max()) + 1 if until is None else until
        log = dataset if until is None else dataset.select(time < end)
        if settings.horizon == "session" and log.session_index is None:
            raise DataError(
                "the log has no sessions", expected="a column session_id", remedy="ask for a horizon of days"
            )
        return Window(log, settings, start, end)

    @property
    def reach(self) -> int:
        """Microseconds that a horizon of days takes."""
        return round(self.settings.days * MICROSECONDS_A_DAY)

    @property
    def last(self) -> int:
        """The first moment that is too late for its horizon to lie in the window."""
        return self.until - self.reach + 1 if self.settings.horizon == "days" else self.until

    @cached_property
    def user(self) -> Int32Array:
        """Shopper of each event, int32 [events]."""
        return (self.log.histories.rows + 1).astype(np.int32)

    @cached_property
    def item(self) -> Int32Array:
        """Item of each event, int32 [events]."""
        return np.asarray(self.log.histories.item_index)

    @cached_property
    def kind(self) -> UInt8Array:
        """Code of the type of each event, uint8 [events]."""
        return np.asarray(self.log.histories.event_type)

    @cached_property
    def time(self) -> Int64Array:
        """Moment of each event, int64 [events]."""
        return np.asarray(self.log.histories.timestamp)

    @cached_property
    def interest(self) -> BoolArray:
        """Whether the shopper showed interest in the item, bool [events]."""
        return np.isin(self.kind, [event_type.code for event_type in INTEREST_TYPES])

    @cached_property
    def tie_end(self) -> Int64Array:
        """Place of the first event of the shopper that is later than each, int64 [events]."""
        return _run_ends((np.diff(self.user) != 0) | (np.diff(self.time) != 0), len(self.time))

    @cached_property
    def session_end(self) -> Int64Array:
        """Place of the first event behind the session of each, int64 [events]."""
        session = np.asarray(self.log.session_index)
        return _run_ends((np.diff(self.user) != 0) | (np.diff(session) != 0), len(self.time))

    def is_of(self, event_type: EventType) -> BoolArray:
        """Whether each event is of this type, bool [events]; a further behavior may be missing.

        Raises:
            DataError: It is the target, and the log has none of them.
        """
        wanted: BoolArray = self.kind == event_type.code
        if not wanted.any() and event_type.value == self.settings.target:
            raise DataError(
                f"the log has no event of type {event_type.value} to learn from",
                remedy="predict a type of event that it has, or map its words with --event-type-map WORD=TYPE",
            )
        return wanted

    def places_at(self, user: Int32Array, time: Int64Array | int) -> Int64Array:
        """For shopper and moment the place of the first event of the shopper at or after it, int64 [n]."""
        offsets = np.asarray(self.log.histories.offsets)
        known = np.asarray(user, dtype=np.int64)
        low, high = offsets[known - 1].copy(), offsets[known].copy()
        while (low < high).any():  # bisection of all at once
            middle = (low + high) // 2
            open_ = low < high
            earlier = open_ & (self.time[np.minimum(middle, len(self.time) - 1)] < time)
            low = np.where(earlier, middle + 1, low)
            high = np.where(open_ & ~earlier, middle, high)
        return low.astype(np.int64)


def _run_ends(changes: BoolArray, n: int) -> Int64Array:
    """For each place the end of its run; `changes` (bool [n - 1]) says where the next one begins."""
    ends = np.append(np.flatnonzero(changes) + 1, n)
    return np.repeat(ends, np.diff(ends, prepend=0)).astype(np.int64)

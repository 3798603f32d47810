"""The log as integers while it is cleaned: one array a column, and the verdict of a step on every event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from shopkeeper.data.cleaning.reasons import KEPT, Reason
from shopkeeper.data.cleaning.threads import in_threads
from shopkeeper.types import BoolArray, Float32Array, Float64Array, Int32Array, Int64Array, UInt8Array

CHUNK: Final = 1 << 20
"""Events that a step works on at a time where a temporary array of the whole log would cost memory."""

NO_TIME: Final = int(np.iinfo(np.int64).min)
"""The time of an event whose time is missing."""


@dataclass
class Log:
    """Events; all arrays have one length. Steps after sorting rely on the order by user, time and row.

    Attributes:
        user: int32; 1 to the number of users, 0 where missing.
        item: int32; 1 to the number of items, 0 where missing.
        event_type: uint8; `EventType.code`, 0 where missing or unknown.
        time: int64; Unix microseconds, UTC; `NO_TIME` where missing.
        row: int32, or int64 for very long logs; number of the row in the source.
        quantity: float32 or None; units, NaN where unknown.
        price: float64 or None; of one unit, NaN where unknown.
        session: int32 or None; equal for equal session ids, 0 where unknown.
        placement: int32 or None; equal for equal placements, 0 where unknown.
    """

    user: Int32Array
    item: Int32Array
    event_type: UInt8Array
    time: Int64Array
    row: NDArray[Any]
    quantity: Float32Array | None = None
    price: Float64Array | None = None
    session: Int32Array | None = None
    placement: Int32Array | None = None

    def __len__(self) -> int:
        return len(self.user)

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """The arrays that are there, by name."""
        named = {column.name: getattr(self, column.name) for column in fields(self)}
        return {name: values for name, values in named.items() if values is not None}

    def at(self, places: Int64Array | BoolArray) -> Log:
        """A copy of the events at these places, or where a mask is true."""
        return Log(**{name: values[places] for name, values in self.columns.items()})

    def keep(self, where: BoolArray) -> None:
        """Drops all other events. The columns are moved together where they stand, so no memory is taken."""
        kept = np.append(0, np.cumsum([np.count_nonzero(where[start : start + CHUNK]) for start in _chunks(self)]))

        def compact(name: str) -> None:
            values = getattr(self, name)
            for place, start in enumerate(_chunks(self)):
                span = slice(start, start + CHUNK)
                values[kept[place] : kept[place + 1]] = values[span][where[span]]

        names = tuple(self.columns)
        in_threads(compact, names)
        for name in names:
            setattr(self, name, getattr(self, name)[: kept[-1]])


def _chunks(log: Log) -> range:
    return range(0, len(log), CHUNK)


@dataclass(frozen=True)
class Verdict:
    """What a step says.

    Attributes:
        reason: uint8 [events]; `Reason.code`, or 0 for an event that stays.
        facts: What was fitted and found, for the record; plain JSON.
    """

    reason: UInt8Array
    facts: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(masks: Mapping[Reason, BoolArray], n_events: int, facts: Mapping[str, Any] | None = None) -> Verdict:
        """A verdict from one mask a reason; where several are true, the first one counts."""
        reason = np.full(n_events, KEPT, dtype=np.uint8)
        for name, mask in reversed(list(masks.items())):
            reason[mask] = name.code
        return Verdict(reason, facts or {})


def runs(starts: BoolArray) -> tuple[Int64Array, Int64Array]:
    """Where runs of events begin and how long they are.

    Args:
        starts: bool [events]; true at the first event of each run; the first event always is one.

    Returns:
        First place and length of each run, int64 [runs] both.
    """
    first = np.flatnonzero(starts)
    return first, np.diff(first, append=len(starts))


def user_starts(user: Int32Array) -> BoolArray:
    """Whether an event is the first of its user, bool [events]; the log is sorted by user."""
    starts = np.ones(len(user), dtype=bool)
    np.not_equal(user[1:], user[:-1], out=starts[1:])
    return starts

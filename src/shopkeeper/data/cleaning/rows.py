"""Rows that cannot be events: without user, item, time or type, or at an impossible time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shopkeeper.data.cleaning.log import NO_TIME, Log, Verdict
from shopkeeper.data.cleaning.reasons import Reason
from shopkeeper.types import BoolArray


def row_faults(log: Log, earliest: datetime, latest: datetime | None) -> Verdict:
    """Finds rows that cannot be events; of several faults the first in the list of reasons below counts.

    Args:
        log: Events in any order; a missing user, item or type is 0, a missing time `NO_TIME`.
        earliest: Times before this moment are impossible.
        latest: Times after this moment are impossible; None takes a day from now.
    """
    masks = {
        Reason.MISSING_TIME: log.time == NO_TIME,
        Reason.IMPOSSIBLE_TIME: ~possible_times(log, earliest, latest),
        Reason.MISSING_USER: log.user == 0,
        Reason.MISSING_ITEM: log.item == 0,
        Reason.UNKNOWN_EVENT_TYPE: log.event_type == 0,
    }
    return Verdict.of({name: mask for name, mask in masks.items() if mask.any()}, len(log))


def possible_times(log: Log, earliest: datetime, latest: datetime | None) -> BoolArray:
    """Whether the time of each event is known and between the moments, bool [events]."""
    latest = latest if latest is not None else datetime.now(tz=UTC) + timedelta(days=1)
    possible: BoolArray = log.time >= max(_micros(earliest), int(NO_TIME) + 1)
    possible &= log.time <= _micros(latest)
    return possible


def _micros(moment: datetime) -> int:
    """Unix microseconds; a moment without a zone is in UTC."""
    zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (zoned - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

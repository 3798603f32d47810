"""What can be said of a row by itself: as Ibis expressions, before ids are integers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from shopkeeper.data import schema
from shopkeeper.data.cleaning.reasons import KEPT, Reason
from shopkeeper.data.schema import EVENT_TYPES


def row_reason(table: Any, earliest: datetime, latest: datetime | None) -> Any:
    """Why a row cannot be an event, as the code of a reason; the first one that fits counts.

    Args:
        table: Ibis table of events.
        earliest: Times before this moment are impossible.
        latest: Times after this moment are impossible; None takes a day from now.

    Returns:
        Ibis uint8 value; 0 for a row that may stay.
    """
    import ibis

    latest = latest if latest is not None else datetime.now(tz=UTC) + timedelta(days=1)
    time = table[schema.TIMESTAMP]
    return ibis.cases(
        (time.isnull(), Reason.MISSING_TIME.code),
        ((time < _moment(earliest)) | (time > _moment(latest)), Reason.IMPOSSIBLE_TIME.code),
        (table[schema.USER_ID].isnull(), Reason.MISSING_USER.code),
        (table[schema.ITEM_ID].isnull(), Reason.MISSING_ITEM.code),
        (event_code(table) == 0, Reason.UNKNOWN_EVENT_TYPE.code),
        else_=KEPT,
    ).cast("uint8")


def event_code(table: Any) -> Any:
    """`EventType.code` of each row, Ibis uint8 value; 0 where the word is missing or unknown."""
    cases = [(event_type.value, event_type.code) for event_type in EVENT_TYPES]
    return table[schema.EVENT_TYPE].cases(*cases, else_=0).cast("uint8")


def _moment(value: datetime) -> Any:
    import ibis

    utc = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo is not None else value
    return ibis.literal(utc, "timestamp")

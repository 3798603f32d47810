"""From records to rows of the tables and back: ids to text and back to their kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from shopkeeper.data import schema
from shopkeeper.data.schema import EVENT_TYPES
from shopkeeper.errors import DataError
from shopkeeper.serving.event_store.records import AnswerRecord, IdKinds, ShopEvent, StoredEvent, TrafficMinute
from shopkeeper.serving.event_store.tables import BUCKETS, events
from shopkeeper.types import Id

EVENT_COLUMNS: Final = tuple(column for column in events.columns if column.name != "sequence")
"""In the order of the fields of `ShopEvent`."""
INTEGERS: Final = range(-(2**63), 2**63)
_TYPES: Final = {event_type.value: event_type for event_type in EVENT_TYPES}


def id_text(value: Id, integer: bool, column: str) -> str:
    """An id as the store keeps it.

    Raises:
        DataError: It is not of the shop's kind.
    """
    if integer:
        if type(value) is int and value in INTEGERS:
            return str(value)
    elif type(value) is str:
        return value
    raise DataError(
        f"{column} is not of the kind that this shop uses",
        expected="an integer of 64 bits" if integer else "text",
        got=f"{value!r} ({type(value).__name__})",
    )


def event_rows(records: Iterable[ShopEvent], kinds: IdKinds) -> list[dict[str, Any]]:
    """Parameters of the insert, one dictionary an event.

    Raises:
        DataError: An id is not of the shop's kind.
    """
    rows = []
    for record in records:
        row = record._asdict()
        row[schema.USER_ID] = id_text(record.user_id, kinds.user_integer, schema.USER_ID)
        row[schema.ITEM_ID] = id_text(record.item_id, kinds.item_integer, schema.ITEM_ID)
        row[schema.EVENT_TYPE] = record.event_type.value
        rows.append(row)
    return rows


def stored_events(rows: Iterable[Sequence[Any]], kinds: IdKinds) -> list[StoredEvent]:
    """Events from rows of sequence and `EVENT_COLUMNS`."""
    user, item, types = _reader(kinds.user_integer), _reader(kinds.item_integer), _TYPES
    return [StoredEvent(row[0], ShopEvent(row[1], user(row[2]), item(row[3]), types[row[4]], *row[5:])) for row in rows]


def answer_rows(records: Iterable[AnswerRecord], kinds: IdKinds) -> list[dict[str, Any]]:
    """Parameters of the insert, one dictionary an answer.

    Raises:
        DataError: A user id is not of the shop's kind.
    """
    rows = []
    for record in records:
        row = record._asdict()
        if record.user_id is not None:
            row[schema.USER_ID] = id_text(record.user_id, kinds.user_integer, schema.USER_ID)
        row["item_ids"] = json.dumps(record.item_ids, ensure_ascii=False)
        row["sources"] = json.dumps(record.sources, ensure_ascii=False)
        row["n_items"] = len(record.item_ids)
        rows.append(row)
    return rows


def traffic_rows(records: Iterable[TrafficMinute]) -> list[dict[str, Any]]:
    """Parameters of the insert, one dictionary a minute, worker and route: what came of the same is summed."""
    sums = _summed(((one.minute, one.worker, one.route), (one.milliseconds, *_counts(one))) for one in records)
    names = ("minute", "worker", "route", "milliseconds", "requests", "errors", *BUCKETS)
    return [dict(zip(names, (*key, *values), strict=True)) for key, values in sums.items()]


def traffic_hour_rows(records: Iterable[TrafficMinute]) -> list[dict[str, Any]]:
    """The same for the sums of hours, one dictionary an hour and route."""
    sums = _summed(((one.minute // 60, one.route), _counts(one)) for one in records)
    names = ("hour", "route", "requests", "errors", *BUCKETS)
    return [dict(zip(names, (*key, *values), strict=True)) for key, values in sums.items()]


def _counts(record: TrafficMinute) -> tuple[int, ...]:
    return (record.requests, record.errors, *record.histogram)


def _summed(rows: Iterable[tuple[tuple[Any, ...], tuple[float, ...]]]) -> dict[tuple[Any, ...], tuple[float, ...]]:
    sums: dict[tuple[Any, ...], tuple[float, ...]] = {}
    for key, values in rows:
        old = sums.get(key)
        sums[key] = values if old is None else tuple(map(sum, zip(old, values, strict=True)))
    return sums


def _reader(integer: bool) -> Callable[[str], Id]:
    return int if integer else str

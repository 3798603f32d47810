"""Events of one shopper as columns: packed into a string and back, put together from two sources, returns taken out."""

from __future__ import annotations

import struct
from typing import Final, TypeAlias, cast

import numpy as np

from shopkeeper.data.histories import Places
from shopkeeper.data.schema import EventType
from shopkeeper.types import Float32Array, Int32Array, Int64Array, UInt8Array

RECORD: Final = struct.Struct("<qqiBBff")
"""Sequence, timestamp, item index, code of the event type, code of the placement, price, quantity."""
FIELDS: Final = np.dtype(
    [
        ("sequence", "<i8"), ("timestamp", "<i8"), ("item_index", "<i4"), ("event_type", "u1"), ("placement", "u1"),
        ("price", "<f4"), ("quantity", "<f4"),
    ]
)  # fmt: skip
PURCHASE, RETURN = EventType.PURCHASE.code, EventType.RETURN.code

Columns: TypeAlias = tuple[Int64Array, Int32Array, UInt8Array, UInt8Array, Float32Array, Float32Array]
"""Timestamps, item indices, event types, placements (0 where not known), prices and quantities (NaN) of some events."""


def at(columns: Columns, events: Places) -> Columns:
    """Some of the events."""
    return cast(Columns, tuple(column[events] for column in columns))


def inserted(records: bytes, record: tuple[int, int, int, int, int, float, float]) -> bytes:
    """The records with one more in its place by timestamp and, at the same time, by sequence."""
    sequence, timestamp, *_ = record
    place = len(records)
    while place:
        before, time, *_ = RECORD.unpack_from(records, place - RECORD.size)
        if (time, before) < (timestamp, sequence):
            break
        place -= RECORD.size
    return records[:place] + RECORD.pack(*record) + records[place:]


def columns_of(records: bytes) -> Columns:
    """Packed records as columns."""
    events = np.frombuffer(records, FIELDS)
    return (
        np.ascontiguousarray(events["timestamp"]),
        np.ascontiguousarray(events["item_index"]),
        events["event_type"].copy(),
        events["placement"].copy(),
        events["price"].copy(),
        events["quantity"].copy(),
    )


def merged(base: Columns, live: Columns) -> Columns:
    """Both in the order of time, what both hold once; at the same time the base comes first."""
    if len(base[0]) == 0:
        return live
    overlap = base[0][-1] >= live[0][0]
    if overlap:
        live = _unshared(base, live)
    both = cast(Columns, tuple(np.concatenate([one, other]) for one, other in zip(base, live, strict=True)))
    return at(both, np.argsort(both[0], kind="stable")) if overlap else both


def _unshared(base: Columns, live: Columns) -> Columns:
    """The live events that the base does not hold: a bundle may be made from a log that came out of the store."""
    first = np.searchsorted(base[0], live[0][0])
    known = set(zip(*(column[first:].tolist() for column in base[:3]), strict=True))
    keep = np.array([event not in known for event in zip(*(column.tolist() for column in live[:3]), strict=True)])
    return at(live, keep)


def without_returned(columns: Columns) -> Columns:
    """Without the latest purchase of an item before each return of it."""
    _, items, types, *_ = columns
    keep = np.ones(len(items), dtype=bool)
    for place in np.flatnonzero(types == RETURN):
        bought = np.flatnonzero((items[:place] == items[place]) & (types[:place] == PURCHASE) & keep[:place])
        keep[bought[-1:]] = False
    return at(columns, keep)

"""Events of one shopper as columns: packed into a string and back, put together from two sources, returns taken out."""

from __future__ import annotations

import struct
from typing import Final, TypeAlias, cast

import numpy as np

from shopkeeper.data.histories import Places
from shopkeeper.data.netting import NOTHING, UNSETTLED, settled, starts_of, units_of, units_taken
from shopkeeper.data.schema import EventType
from shopkeeper.types import Float32Array, Float64Array, Int32Array, Int64Array, UInt8Array

RECORD: Final = struct.Struct("<qqiBBdf")
"""Sequence, timestamp, item index, code of the event type, code of the placement, price, quantity."""
FIELDS: Final = np.dtype(
    [
        ("sequence", "<i8"), ("timestamp", "<i8"), ("item_index", "<i4"), ("event_type", "u1"), ("placement", "u1"),
        ("price", "<f8"), ("quantity", "<f4"),
    ]
)  # fmt: skip
WEAK: Final = (EventType.VIEW.code, EventType.LIKE.code)
PURCHASE, RETURN = EventType.PURCHASE.code, EventType.RETURN.code

Columns: TypeAlias = tuple[Int64Array, Int32Array, UInt8Array, UInt8Array, Float64Array, Float32Array]
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


def thinned(records: bytes, latest: int) -> bytes:
    """The latest records whole; of the views and likes before them only the newest of each item.

    So nothing is lost of what decides about hiding, and what is kept grows with items rather than with views.
    """
    events = np.frombuffer(records, FIELDS)
    old = events[: max(0, len(events) - latest)]
    keep = np.ones(len(events), dtype=bool)
    weak = np.flatnonzero(np.isin(old["event_type"], WEAK))[::-1]
    kinds = old["item_index"][weak].astype(np.int64) << 8 | old["event_type"][weak]
    keep[weak] = False
    keep[weak[np.unique(kinds, return_index=True)[1]]] = True
    return events[keep].tobytes()


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


def settled_columns(columns: Columns) -> Columns:
    """Without impressions, what was sent back or taken out of the cart, and what took it; see `netting.settled`."""
    _, items, types, _, _, quantities = columns
    if not UNSETTLED[types].any():
        return columns
    return at(columns, settled(items.astype(np.int64), types, quantities))


def without_returned(columns: Columns) -> Columns:
    """Without returns and the purchases that they bring back whole, as `prepare` leaves a log.

    Of purchases that they bring back in part fewer units stay.
    """
    times, items, types, placements, prices, quantities = columns
    traded = np.flatnonzero((types == PURCHASE) | (types == RETURN))
    traded = traded[np.argsort(items[traded], kind="stable")]
    item, back = items[traded].astype(np.int64), types[traded] == RETURN
    units = units_of(len(traded), quantities[traded])
    left = units - units_taken(units, back, starts_of(item))
    keep, quantities = types != RETURN, quantities.copy()
    touched = ~back & (left < units - NOTHING)
    quantities[traded[touched]] = left[touched]
    keep[traded[touched & (left <= NOTHING)]] = False
    return at((times, items, types, placements, prices, quantities), keep)

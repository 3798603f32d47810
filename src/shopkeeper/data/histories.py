"""Ragged histories: the events of many shoppers one after the other, with offsets. The batch of every recommender."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from shopkeeper.data.schema import EVENT_TYPES, INTEREST_TYPES, EventType
from shopkeeper.types import BoolArray, Int32Array, Int64Array, UInt8Array

Places: TypeAlias = slice | Int64Array | BoolArray
"""Which events: a span, their places, or bool [events]."""


@dataclass(frozen=True)
class Histories:
    """Events of `n` shoppers, oldest first within each.

    Attributes:
        offsets: int64 [n + 1]; events of shopper i are the places offsets[i] to offsets[i + 1].
        item_index: int32 [events]; 0 never occurs.
        event_type: uint8 [events]; `EventType.code`.
        timestamp: int64 [events]; Unix microseconds, UTC.
        placement: uint8 [events]; the code of where the event happened, 0 where that is not known; None where it is
            known of no event.
    """

    offsets: Int64Array
    item_index: Int32Array
    event_type: UInt8Array
    timestamp: Int64Array
    placement: UInt8Array | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def n_events(self) -> int:
        """Number of events of all shoppers together."""
        return int(self.offsets[-1] - self.offsets[0])

    @property
    def lengths(self) -> Int64Array:
        """Number of events of each shopper, int64 [n]."""
        return np.diff(self.offsets)

    @property
    def rows(self) -> Int64Array:
        """For each event the place of its shopper in this batch, int64 [events]."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.lengths)

    @property
    def usual_event(self) -> EventType:
        """The type of interest that most events have; "view" where there are none."""
        counts = np.bincount(self.event_type, minlength=len(EVENT_TYPES) + 1)
        return max(INTEREST_TYPES, key=lambda event_type: counts[event_type.code])

    def items_of(self, place: int) -> Int32Array:
        """Items of one shopper, oldest first, int32."""
        return self.item_index[self.offsets[place] : self.offsets[place + 1]]

    def slice(self, start: int, stop: int) -> Histories:
        """Shoppers start to stop, without copying events."""
        first, last = int(self.offsets[start]), int(self.offsets[stop])
        return self._of(np.asarray(self.offsets[start : stop + 1]) - first, slice(first, last))

    def batches(self, size: int) -> Iterator[tuple[int, Histories]]:
        """Consecutive slices of at most `size` shoppers, each with the place of its first one."""
        for start in range(0, len(self), size):
            yield start, self.slice(start, min(start + size, len(self)))

    def take(self, places: Int64Array | Int32Array) -> Histories:
        """The shoppers at these places, in this order (copies their events)."""
        places = np.asarray(places, dtype=np.int64)
        lengths = self.lengths[places]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        events = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - np.asarray(self.offsets)[places], lengths)
        return self._of(offsets, events)

    def where(self, keep: BoolArray) -> Histories:
        """Only the events for which `keep` (bool [events]) is true; all shoppers stay, some perhaps empty."""
        counts = np.concatenate([[0], np.cumsum(keep)]).astype(np.int64)
        offsets = counts[np.asarray(self.offsets) - int(self.offsets[0])]
        return self._of(offsets, keep)

    def last(self, length: int) -> Histories:
        """The most recent `length` events of each shopper."""
        from_end = np.repeat(np.asarray(self.offsets[1:]), self.lengths) - np.arange(
            int(self.offsets[0]), int(self.offsets[-1])
        )
        return self.where(from_end <= length)

    def strongest(self) -> Histories:
        """One event for each item of a shopper: the first of those of its strongest type (the highest code)."""
        codes, order = np.asarray(self.event_type).astype(np.int16), np.arange(self.n_events)
        order = np.lexsort((order, -codes, self.item_index, self.rows))
        rows, items = self.rows[order], np.asarray(self.item_index)[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (rows[1:] != rows[:-1]) | (items[1:] != items[:-1])
        keep = np.zeros(len(order), dtype=bool)
        keep[order[first]] = True
        return self.where(keep)

    def _of(self, offsets: Int64Array, events: Places) -> Histories:
        """Some of the events, as histories with these offsets."""
        placement = None if self.placement is None else self.placement[events]
        return Histories(offsets, self.item_index[events], self.event_type[events], self.timestamp[events], placement)

    @staticmethod
    def joined(parts: Sequence[Histories]) -> Histories:
        """The shoppers of several histories, one after the other; placements that some lack are not known."""
        if len(parts) == 1:
            return parts[0].slice(0, len(parts[0]))
        if any(part.placement is not None for part in parts):
            parts = [part._with_placement() for part in parts]
        offsets = np.concatenate([[0], np.cumsum(np.concatenate([part.lengths for part in parts]))])
        names = ("item_index", "event_type", "timestamp", *(["placement"] if parts[0].placement is not None else []))
        columns = (
            np.concatenate([getattr(part, name)[int(part.offsets[0]) : int(part.offsets[-1])] for part in parts])
            for name in names
        )
        return Histories(offsets.astype(np.int64), *columns)

    def _with_placement(self) -> Histories:
        if self.placement is not None:
            return self
        return replace(self, placement=np.zeros(len(self.item_index), dtype=np.uint8))

    @staticmethod
    def of_items(items: Sequence[Sequence[int] | Int32Array], event_type: EventType = EventType.VIEW) -> Histories:
        """Histories from lists of item indices (oldest first), all of one event type, one second apart."""
        lengths = [len(row) for row in items]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        flat = np.concatenate([np.asarray(row, dtype=np.int32) for row in items]) if items else np.zeros(0, np.int32)
        places = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        return Histories(
            offsets=offsets,
            item_index=flat.astype(np.int32),
            event_type=np.full(len(flat), event_type.code, dtype=np.uint8),
            timestamp=(places * 1_000_000).astype(np.int64),
        )

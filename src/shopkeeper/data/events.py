"""The event log as the shop wrote it, under our column names, still lazy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Events:
    """A table of events with canonical columns; nothing is computed until a step asks.

    Attributes:
        table: Ibis table with `row` (int64), `user_id`, `item_id` (int64 or string), `event_type` (canonical word,
            null where the word is unknown), `timestamp` (timestamp in UTC, null where unreadable), and those of
            the optional columns that the source has (`quantity` and `price` as float64).
        source: Where it came from, for reports.
    """

    table: Any
    source: str

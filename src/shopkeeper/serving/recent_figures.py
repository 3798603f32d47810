"""The figures of the dashboard, kept for a while where they are costly: however many look, shoppers do not wait."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.statistics import ServedFacts, dashboard_data

SHARE: Final = 0.05
"""Of the time of one core that the figures of one span of time may take: what took 0.1 seconds is kept for 2."""
MAX_KEPT: Final = 8
"""Spans of time whose figures are kept."""


@dataclass(frozen=True)
class _Kept:
    data: dict[str, Any]
    until: float


class RecentFigures:
    """Figures by span of time. Safe to use from many threads, of which one makes and the others wait for it.

    Args:
        store: Where events, answers and traffic are.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._lock = Lock()
        self._kept: dict[tuple[str, float], _Kept] = {}

    def data(self, facts: ServedFacts, hours: float) -> dict[str, Any]:
        """See `dashboard_data`; its `now` says how old the figures are.

        Raises:
            StoreError: The store does not answer.
        """
        key = (facts.bundle, hours)
        with self._lock:
            start = time.monotonic()
            kept = self._kept.pop(key, None)
            if kept is None or kept.until <= start:
                data = dashboard_data(self._store, facts, hours)
                end = time.monotonic()
                kept = _Kept(data, end + (end - start) / SHARE)
            self._kept[key] = kept  # the last in order is the one asked for last
            while len(self._kept) > MAX_KEPT:
                del self._kept[next(iter(self._kept))]
            return kept.data

"""Requests counted by minute and route, for the dashboard."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable
from threading import Lock

from shopkeeper.serving.event_store.records import LATENCY_BOUNDS_MS, TrafficMinute


class Traffic:
    """Counts of this worker that are not yet written to the store. Safe to use from many threads.

    Args:
        worker: Name of the worker.
    """

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._lock = Lock()
        self._counts: dict[tuple[int, str], _Count] = {}

    def add(self, route: str, status: int, seconds: float) -> None:
        """Counts one request."""
        minute = int(time.time() // 60)
        with self._lock:
            count = self._counts.get((minute, route))
            if count is None:
                count = self._counts[minute, route] = _Count()
            count.add(status, 1000 * seconds)

    def take(self) -> list[TrafficMinute]:
        """What was counted since the last time."""
        with self._lock:
            counts, self._counts = self._counts, {}
        return [
            TrafficMinute(
                minute, self._worker, route, count.requests, count.errors, count.milliseconds, tuple(count.histogram)
            )
            for (minute, route), count in counts.items()
        ]

    def put_back(self, minutes: Iterable[TrafficMinute]) -> None:
        """Counts again what was taken and could not be written."""
        with self._lock:
            for minute in minutes:
                self._counts.setdefault((minute.minute, minute.route), _Count()).add_up(minute)


class _Count:
    """Requests of one route in one minute."""

    __slots__ = ("errors", "histogram", "milliseconds", "requests")

    def __init__(self) -> None:
        self.requests = 0
        self.errors = 0
        self.milliseconds = 0.0
        self.histogram = [0] * (len(LATENCY_BOUNDS_MS) + 1)

    def add(self, status: int, milliseconds: float) -> None:
        self.requests += 1
        self.errors += status >= 500
        self.milliseconds += milliseconds
        self.histogram[bisect_left(LATENCY_BOUNDS_MS, milliseconds)] += 1

    def add_up(self, minute: TrafficMinute) -> None:
        self.requests += minute.requests
        self.errors += minute.errors
        self.milliseconds += minute.milliseconds
        self.histogram = [one + other for one, other in zip(self.histogram, minute.histogram, strict=True)]

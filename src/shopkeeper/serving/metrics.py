"""Figures for Prometheus: of this process, or of all workers where they share a folder of counters.

Workers share it when the environment variable PROMETHEUS_MULTIPROC_DIR is set before this module is imported; `serve`
does so for more than one worker.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128)
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def shared_folder() -> Path | None:
    """The folder that all workers share; None where there is one worker alone."""
    name = os.environ.get(SHARED_FOLDER)
    return Path(name) if name else None


class Metrics:
    """All that the service counts. Names begin with ``shopkeeper_``."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self._shared = shared_folder() is not None
        if not self._shared:
            ProcessCollector(registry=registry)
        self._requests = Counter(
            "shopkeeper_requests", "Requests answered", ["route", "method", "status"], registry=registry
        )
        self._seconds = Histogram(
            "shopkeeper_request_seconds",
            "Seconds from request to answer",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        self._batches = Histogram(
            "shopkeeper_batch_size", "Requests answered together", ["work"], buckets=SIZES, registry=registry
        )
        self._events = Counter("shopkeeper_events", "Events stored", ["event_type"], registry=registry)
        self.duplicates = Counter("shopkeeper_duplicate_events", "Events that were stored before", registry=registry)
        self.unknown_items = Counter(
            "shopkeeper_unknown_item_events", "Events of items that the bundle does not know", registry=registry
        )
        self._recommended = Counter(
            "shopkeeper_recommended_items", "Items recommended, by where they come from", ["source"], registry=registry
        )
        self.fallback_items = Counter(
            "shopkeeper_fallback_items", "Items recommended that come from the fallback", registry=registry
        )
        self._predicted = Counter(
            "shopkeeper_predictions", "Probabilities and amounts predicted, by target", ["target"], registry=registry
        )
        self._item_changes = Counter(
            "shopkeeper_item_changes", "Items added, changed and removed, by how they are placed", ["placed"],
            registry=registry,
        )  # fmt: skip
        self._bundles = Counter("shopkeeper_bundles", "Bundles loaded and refused", ["outcome"], registry=registry)
        self.store_errors = Counter("shopkeeper_store_errors", "Refusals of the event store", registry=registry)
        self.dropped = Counter("shopkeeper_dropped_records", "Answers that could not be recorded", registry=registry)
        self.behind = Gauge(
            "shopkeeper_events_behind", "Events of other workers that the last look at the store found",
            registry=registry, multiprocess_mode="livemax",
        )  # fmt: skip
        self.live_users = Gauge(
            "shopkeeper_live_users", "Shoppers with events newer than the bundle",
            registry=registry, multiprocess_mode="livemax",
        )  # fmt: skip
        self.store_bytes = Gauge(
            "shopkeeper_store_bytes", "Bytes of the event store on the disk", registry=registry,
            multiprocess_mode="livemax",
        )  # fmt: skip
        self._request = lru_cache(maxsize=1024)(self._requests.labels)
        self._route = lru_cache(maxsize=256)(self._seconds.labels)
        self._source = lru_cache(maxsize=64)(self._recommended.labels)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self._request(route, method, str(status)).inc()
        self._route(route).observe(seconds)

    def event(self, event_type: str) -> None:
        """One event was stored."""
        self._events.labels(event_type).inc()

    def recommended(self, source: str, items: int) -> None:
        """Items of one source were recommended."""
        self._source(source).inc(items)

    def predicted(self, target: str, values: int) -> None:
        """Values of one target were predicted."""
        self._predicted.labels(target).inc(values)

    def item_change(self, placed: str) -> None:
        """An item came, changed or went."""
        self._item_changes.labels(placed).inc()

    def bundle(self, outcome: str) -> None:
        """A bundle was ``loaded`` or ``refused``."""
        self._bundles.labels(outcome).inc()

    def batches_of(self, work: str) -> Callable[[int], None]:
        """Where a batcher tells the sizes of its batches."""
        return self._batches.labels(work).observe

    def text(self) -> bytes:
        """All figures in Prometheus' text format, summed over the workers where they share a folder."""
        if not self._shared:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

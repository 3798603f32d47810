"""``/healthz``, ``/readyz``, ``/metrics``, ``/card``, ``/dashboard/data``: how the service does."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Annotated, Any, Final

from fastapi import FastAPI, Request, Response
from msgspec import Meta, Struct
from starlette.concurrency import run_in_threadpool

from shopkeeper.errors import ShopkeeperError, StoreError
from shopkeeper.serving.answers import AliveOut, BundleOut, ReadyOut
from shopkeeper.serving.logs import LOGGER
from shopkeeper.serving.metrics import CONTENT_TYPE
from shopkeeper.serving.openapi import described
from shopkeeper.serving.reading import read_query
from shopkeeper.serving.recent_figures import RecentFigures
from shopkeeper.serving.routes.replies import reply
from shopkeeper.serving.service import Service
from shopkeeper.serving.statistics import DATA_ROUTE, ServedFacts
from shopkeeper.types import Id

WRITE_SECONDS: Final = 1.0
"""Between two tries to write: who asks for readiness needs no key, and must not wear out the disk."""


class DashboardQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """How far back."""

    hours: Annotated[float, Meta(gt=0, le=24 * 366)] = 24.0


HEALTHZ = described("service", "Sign of life", AliveOut, {"status": "ok"}, failures=())
READYZ = described("service", "Readiness", ReadyOut, failures=())
READYZ["responses"]["503"] = READYZ["responses"]["200"]
METRICS = described("service", "Figures for Prometheus", None, failures=())
CARD = described("service", "Card of the bundle", dict[str, Any], failures=())
DASHBOARD = described("service", "Figures of the dashboard", dict[str, Any], query=DashboardQuery)


def add_health_routes(app: FastAPI, service: Service) -> None:
    """Adds the routes of the service's own state."""
    figures = RecentFigures(service.store)
    writes = WriteProbe(service.store.try_writing)

    @app.get("/healthz", openapi_extra=HEALTHZ)
    async def healthz(request: Request) -> Response:
        """Answers as long as the process does."""
        return reply(AliveOut("ok"))

    @app.get("/readyz", openapi_extra=READYZ)
    async def readyz(request: Request) -> Response:
        """Whether this worker can answer: status 200, or 503 while the event store is away or cannot be written to."""
        ready = await run_in_threadpool(_ready, service, writes)
        return reply(ready, 200 if ready.ready else 503)

    @app.get("/metrics", openapi_extra=METRICS)
    async def metrics(request: Request) -> Response:
        """Figures of all workers in Prometheus' text format."""
        text = await run_in_threadpool(service.metrics.text)
        return Response(text, media_type=CONTENT_TYPE)

    @app.get("/card", openapi_extra=CARD)
    async def card(request: Request) -> Response:
        """Where the bundle came from and what it was worth."""
        return reply(service.served.bundle.card.model_dump(mode="json"))

    @app.get(DATA_ROUTE, openapi_extra=DASHBOARD)
    async def get_dashboard_data(request: Request) -> Response:
        """Traffic, latency, events and click-through of the last hours."""
        asked = read_query(DashboardQuery, request.query_params)
        facts = _facts(service)
        return reply(await service.lookups.run(figures.data, facts, asked.hours))


class WriteProbe:
    """Whether the store can be written to, found out at most once in `WRITE_SECONDS`, however often somebody asks.

    Args:
        write: Writes; raises `StoreError` where it cannot.
    """

    def __init__(self, write: Callable[[], None]) -> None:
        self._write = write
        self._lock = Lock()
        self._until = 0.0
        self._problem: StoreError | None = None

    def check(self) -> None:
        """Nothing, or what the last try raised.

        Raises:
            StoreError: The store cannot be written to.
        """
        with self._lock:
            if time.monotonic() >= self._until:
                try:
                    self._write()
                    self._problem = None
                except StoreError as error:
                    if self._problem is None:
                        LOGGER.error("the event store cannot be written to: %s", error)
                    self._problem = error
                self._until = time.monotonic() + WRITE_SECONDS
        if self._problem is not None:
            raise self._problem


def _ready(service: Service, writes: WriteProbe) -> ReadyOut:
    served = service.served
    card, profiles = served.bundle.card, served.profiles
    try:
        behind, store = max(0, service.store.position().sequence - profiles.position.sequence), "ok"
        try:
            writes.check()
        except StoreError:
            store = "unwritable"
    except ShopkeeperError:
        behind, store = 0, "away"
    workers = service.worker_bundles.all()
    return ReadyOut(
        ready=store == "ok",
        bundle=BundleOut(
            bundle=served.name,
            model=served.pipeline.name,
            created_at=card.created_at,
            loaded_at=served.loaded_at,
            items=len(served.items) - len(served.stand.removed),
            users=len(served.pipeline.memory.users),
        ),
        refused=service.reloader.refused,
        store=store,
        workers=workers,
        agree=len(set(workers.values())) == 1,
        events_behind=behind,
        live_users=profiles.n_live_users,
        worker=service.worker,
        new_items=served.stand.n_new,
        removed_items=len(served.stand.removed),
    )


def _facts(service: Service) -> ServedFacts:
    served = service.served

    def title(item_id: Id) -> str | None:
        return served.facts.title(served.items.index(item_id))

    return ServedFacts(served.bundle.card, served.name, int(served.on_shelf.sum()), title, served.pipeline.name)

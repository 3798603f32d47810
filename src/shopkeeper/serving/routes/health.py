"""``/healthz``, ``/readyz``, ``/metrics``, ``/card``, ``/dashboard/data``: how the service does."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from msgspec import Meta, Struct
from starlette.concurrency import run_in_threadpool

from shopkeeper.errors import ShopkeeperError
from shopkeeper.serving.answers import AliveOut, BundleOut, ReadyOut
from shopkeeper.serving.metrics import CONTENT_TYPE
from shopkeeper.serving.openapi import described
from shopkeeper.serving.reading import read_query
from shopkeeper.serving.recent_figures import RecentFigures
from shopkeeper.serving.routes.replies import reply
from shopkeeper.serving.service import Service
from shopkeeper.serving.statistics import DATA_ROUTE, ServedFacts
from shopkeeper.types import Id


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

    @app.get("/healthz", openapi_extra=HEALTHZ)
    async def healthz(request: Request) -> Response:
        """Answers as long as the process does."""
        return reply(AliveOut("ok"))

    @app.get("/readyz", openapi_extra=READYZ)
    async def readyz(request: Request) -> Response:
        """Whether this worker can answer: status 200, or 503 while the event store is away."""
        ready = await run_in_threadpool(_ready, service)
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
        return reply(await run_in_threadpool(figures.data, facts, asked.hours))


def _ready(service: Service) -> ReadyOut:
    served = service.served
    card, profiles = served.bundle.card, served.profiles
    try:
        behind = max(0, service.store.position().sequence - profiles.position.sequence)
        store = "ok"
    except ShopkeeperError:
        behind, store = 0, "away"
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

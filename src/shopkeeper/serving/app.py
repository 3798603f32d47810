"""The application: one worker's service behind HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from shopkeeper.serving.access.guard import Guard
from shopkeeper.serving.access.keys import KeyFile
from shopkeeper.serving.access.local import LocalOnly
from shopkeeper.serving.failures import answer_failures
from shopkeeper.serving.observe import Observe
from shopkeeper.serving.openapi import describe
from shopkeeper.serving.pages import mount_pages
from shopkeeper.serving.rates import RateLimit, Rates, address_of, key_of
from shopkeeper.serving.routes.events import add_event_routes
from shopkeeper.serving.routes.health import add_health_routes
from shopkeeper.serving.routes.item_changes import add_item_change_routes
from shopkeeper.serving.routes.items import add_item_routes
from shopkeeper.serving.routes.paths import understand_ids
from shopkeeper.serving.routes.predictions import add_prediction_routes
from shopkeeper.serving.routes.questionnaire import add_questionnaire_routes
from shopkeeper.serving.routes.recommendations import add_recommendation_routes
from shopkeeper.serving.routes.users import add_user_routes
from shopkeeper.serving.service import Service
from shopkeeper.serving.settings import ServiceSettings

DESCRIPTION = "Personal recommendations for a shop, from its own event log. Ids are those of the shop."


def create_app(bundle_folder: Path, settings: ServiceSettings | None = None) -> FastAPI:
    """Loads a bundle and makes the application that answers from it.

    Args:
        bundle_folder: Folder written by `shopkeeper train`.
        settings: How to run.

    Returns:
        The application; its threads run between the startup and the shutdown of its lifespan.

    Raises:
        ArtifactError: There is no bundle, or it is damaged.
        StoreError: The event store cannot be reached, or holds other kinds of ids.
        ConfigError: The API keys or the address of the store cannot be read.
    """
    settings = settings or ServiceSettings()
    keys = None if settings.api_key_file is None else KeyFile(settings.api_key_file)
    service = Service(bundle_folder, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await service.stop()

    app = FastAPI(
        title="Shopkeeper", description=DESCRIPTION, lifespan=lifespan, docs_url=None, redoc_url=None,
        redirect_slashes=False,
    )  # fmt: skip
    app.state.service = service
    understand_ids()
    for add in (
        add_event_routes, add_recommendation_routes, add_prediction_routes, add_questionnaire_routes, add_item_routes,
        add_item_change_routes, add_user_routes, add_health_routes,
    ):  # fmt: skip
        add(app, service)
    mount_pages(app)
    answer_failures(app)
    describe(app, settings, service.store.kinds, keys is not None)
    local = LocalOnly(frozenset({*settings.trusted_hosts, settings.host.lower()}))
    burst = settings.rate_burst_seconds
    if (rate := settings.rate_per_key) is not None:
        app.add_middleware(RateLimit, rates=Rates(rate, burst * rate), caller=key_of, kind="API key")
    app.add_middleware(Guard, keys=keys, local=local, cors_origins=frozenset(settings.cors_origins))
    if (rate := settings.rate_per_address) is not None:
        app.add_middleware(RateLimit, rates=Rates(rate, burst * rate), caller=address_of, kind="address")
    app.add_middleware(
        Observe, metrics=service.metrics, traffic=service.traffic, worker=service.worker,
        access_log=settings.access_log,
    )  # fmt: skip
    return app

"""What is seen of every request: its id, its status, how long it took. Faults end here as an answer that says little.

Pure ASGI, since it lies on the path of every request.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect

from shopkeeper.errors import ShopkeeperError
from shopkeeper.serving.access.callers import caller_of
from shopkeeper.serving.failures import failure
from shopkeeper.serving.logs import FIELDS, LOGGER, REQUEST_ID, request_id_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from shopkeeper.serving.metrics import Metrics
    from shopkeeper.serving.traffic import Traffic

UNMATCHED: Final = "(unmatched)"
"""The route of a request that no path matches; its own path is not counted, there may be any number of them."""
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
GONE: Final = 499
"""Counted for a caller who went away before the answer; nobody reads it."""


class Observe:
    """Middleware around the whole application.

    Args:
        app: What answers.
        metrics: Told of each request.
        traffic: Told of each request.
        worker: Name of this worker, for the header `X-Worker`.
        access_log: Write a line for each request.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, traffic: Traffic, worker: str, access_log: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._traffic = traffic
        self._worker = worker
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        request_id = request_id_of(Headers(scope=scope).get("x-request-id", ""))
        token = REQUEST_ID.set(request_id)
        status = 0

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers["X-Worker"] = self._worker
            await send(message)

        try:
            await self._app(scope, receive, observed)
        except ClientDisconnect:
            status = status or GONE
        except asyncio.CancelledError:
            status = status or GONE
            raise
        except Exception:
            LOGGER.exception("the service failed to answer")
            if not status:
                fault = ShopkeeperError("the service failed", remedy="its log says more under this request id")
                await failure(fault, 500)(scope, receive, observed)
        finally:
            self._seen(scope, status, time.perf_counter() - start)
            REQUEST_ID.reset(token)

    def _seen(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", UNMATCHED)
        method = scope["method"] if scope["method"] in METHODS else UNMATCHED
        self._metrics.request(route, method, status, seconds)
        self._traffic.add(route, status, seconds)
        if self._access_log:
            fields: dict[str, Any] = {
                "method": method, "route": route, "status": status, "milliseconds": round(1000 * seconds, 3),
                "worker": self._worker,
            }  # fmt: skip
            if (caller := caller_of(scope)) is not None:
                fields["key"] = caller.key
            LOGGER.info("request", extra={FIELDS: fields})

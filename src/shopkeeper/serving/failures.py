"""Errors become answers: the status of the error, and a body that says what was expected, what came, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from shopkeeper.errors import ShopkeeperError, StoreError
from shopkeeper.serving.answers import Problem, ProblemOut
from shopkeeper.serving.logs import LOGGER, REQUEST_ID
from shopkeeper.serving.problems import MethodError, NotFoundError, RequestError, UnavailableError, status_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from starlette.requests import Request

_ENCODER = msgspec.json.Encoder()
_CUT = 500
RETRY: Final = {"Retry-After": "1"}
"""What an answer says that refuses for the moment."""


def failure(error: ShopkeeperError, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """The answer for an error."""
    problem = Problem(_short(error.problem) or "", _short(error.expected), _short(error.got), _short(error.remedy))
    body = _ENCODER.encode(ProblemOut(problem, REQUEST_ID.get()))
    return Response(body, status, headers, media_type="application/json")


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= _CUT else text[: _CUT - 1] + "…"


def answer_failures(app: FastAPI) -> None:
    """Makes an application answer our errors, and those of its router, in our form."""
    app.add_exception_handler(ShopkeeperError, _ours)
    app.add_exception_handler(HTTPException, _of_router)


async def _ours(_: Request, error: Exception) -> Response:
    if not isinstance(error, ShopkeeperError):
        raise error
    status = status_of(error)
    if status >= 500:
        LOGGER.error("not answered: %s", error)
    if isinstance(error, StoreError):  # its words name the database, which is nobody else's business
        error = UnavailableError("the event store does not answer", remedy="ask again in a moment")
    return failure(error, status, RETRY if status in (429, 503) else None)


async def _of_router(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    kinds: dict[int, RequestError] = {
        404: NotFoundError("there is nothing at this address", remedy="/openapi.json lists what there is"),
        405: MethodError(f"this address does not answer {request.method}", remedy="/openapi.json lists what does"),
    }
    headers = {"Allow": ", ".join(_methods(request))} if error.status_code == 405 else error.headers
    return failure(kinds.get(error.status_code, RequestError(error.detail)), error.status_code, headers)


def _methods(request: Request) -> list[str]:
    """All methods that the address answers, of whatever route."""
    path = getattr(request.scope.get("route"), "path", None)
    routes = [route for route in request.app.routes if getattr(route, "path", None) == path]
    return sorted({method for route in routes for method in getattr(route, "methods", None) or ()})

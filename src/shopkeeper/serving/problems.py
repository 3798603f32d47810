"""What can be wrong with a request, each with its HTTP status, and the body of the answer that says so."""

from __future__ import annotations

from typing import ClassVar

from shopkeeper.errors import DataError, ShopkeeperError, StoreError, UnknownIdError


class RequestError(ShopkeeperError):
    """The request cannot be answered; the class says with which status."""

    status: ClassVar[int] = 400


class UnreadableError(RequestError):
    """The body is no JSON."""

    status = 400


class KeyRefusedError(RequestError):
    """The API key is missing or wrong."""

    status = 401


class ForbiddenError(RequestError):
    """Whoever asks may not do this."""

    status = 403


class NotFoundError(RequestError):
    """There is no such path or no such item."""

    status = 404


class MethodError(RequestError):
    """The path does not know this method."""

    status = 405


class TooSlowError(RequestError):
    """The request did not come whole in the time that it has."""

    status = 408


class TooLargeError(RequestError):
    """The body is longer than the service reads."""

    status = 413


class MediaTypeError(RequestError):
    """The body is said to be something else than JSON."""

    status = 415


class InvalidError(RequestError):
    """The body or the query is JSON or text, but not what is wanted."""

    status = 422


class TooOftenError(RequestError):
    """The caller asks more often than it may."""

    status = 429


class HeaderTooLongError(RequestError):
    """The header is longer than the service reads."""

    status = 431


class UnavailableError(RequestError):
    """The service cannot answer now: it is overloaded, stopping, or its database is away."""

    status = 503


STATUS: dict[type[ShopkeeperError], int] = {UnknownIdError: 404, DataError: 422, StoreError: 503}
"""Status of errors of the layers below; any other of ours is a fault of the service."""


def status_of(error: ShopkeeperError) -> int:
    """HTTP status of an error."""
    if isinstance(error, RequestError):
        return error.status
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)

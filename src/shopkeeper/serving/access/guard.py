"""The door of the service: who has no key gets pages and signs of life; without any keys only this machine's own pages.

Pure ASGI, since it lies on the path of every request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

from shopkeeper.serving.access import user_tokens
from shopkeeper.serving.access.callers import Caller, put_caller
from shopkeeper.serving.access.keys import Key, KeyFile
from shopkeeper.serving.access.local import LocalOnly
from shopkeeper.serving.access.scopes import NOT_IN_BROWSERS, first_step, is_open, scopes_of
from shopkeeper.serving.failures import failure
from shopkeeper.serving.problems import ForbiddenError, KeyRefusedError, RequestError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER: Final = "X-API-Key"
CHALLENGE: Final = f'ApiKey header="{HEADER}", Bearer'
ASKED_BEFORE: Final = {
    "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": f"Content-Type, {HEADER}, Authorization, {user_tokens.HEADER}, X-Request-ID",
    "Access-Control-Max-Age": "600",
}
"""The answer to a browser that asks before it lets a page of another origin send a request."""
READABLE: Final = "X-Request-ID, Retry-After"
"""Headers of answers that such a page may read."""


class Guard:
    """Middleware that asks for a key, and tells browsers which pages of other origins may read an answer.

    Args:
        app: What answers those who may ask.
        keys: The keys; None lets everybody ask who passes `local`.
        local: What is checked where there are no keys.
        cors_origins: Origins whose pages may read answers, beside those of browser keys.
    """

    def __init__(self, app: ASGIApp, keys: KeyFile | None, local: LocalOnly, cors_origins: frozenset[str]) -> None:
        self._app = app
        self._keys = keys
        self._local = local
        self._cors_origins = cors_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        shared = origin is not None and self._shares_with(origin)
        if shared and origin is not None:
            send = _readable_by(send, origin)
            if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
                await Response(status_code=204, headers=ASKED_BEFORE)(scope, receive, send)
                return
        try:
            self._check(scope, headers, shared)
        except RequestError as error:
            challenge = {"WWW-Authenticate": CHALLENGE} if error.status == KeyRefusedError.status else None
            await failure(error, error.status, challenge)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _shares_with(self, origin: str) -> bool:
        return origin in self._cors_origins or (self._keys is not None and self._keys.shared_with(origin))

    def _check(self, scope: Scope, headers: Headers, shared: bool) -> None:
        """Lets a request pass, or raises what is wrong with it."""
        if self._keys is None:
            self._local.check(scope["method"], headers, shared)
            return
        if is_open(scope["path"]):
            return
        secret = _secret(headers)
        key = self._keys.find(secret) if secret else None
        if key is None or key.expired():
            raise KeyRefusedError(
                "this address needs an API key",
                expected=f"a known key in the header {HEADER}, or in Authorization behind Bearer",
                got="none" if not secret else "an unknown one" if key is None else f"{key.name!r}, which has expired",
            )
        caller = _of_browser(key, headers) if key.is_browser else Caller(key.name)
        put_caller(scope, caller)
        needed = scopes_of(scope["method"], scope["path"])
        if not key.allows(needed) or (key.is_browser and first_step(scope["path"]) in NOT_IN_BROWSERS):
            raise ForbiddenError(
                f"the key {key.name!r} may not do this",
                expected=f"a key with the scope {' or '.join(sorted(needed))}",
                got=f"a {'browser ' if key.is_browser else ''}key with {', '.join(sorted(key.scopes))}",
            )


def _secret(headers: Headers) -> str:
    """The key that came, or nothing."""
    given = headers.get(HEADER.lower())
    if given is not None:
        return given
    kind, _, secret = headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else ""


def _of_browser(key: Key, headers: Headers) -> Caller:
    """Who asks with a browser key.

    Raises:
        ForbiddenError: The page is of another origin, or no page at all.
        KeyRefusedError: The token of the user is not right.
    """
    origin = headers.get("origin")
    if origin not in key.origins and not (origin is None and headers.get("sec-fetch-site") == "same-origin"):
        raise ForbiddenError(
            f"the browser key {key.name!r} belongs to other pages", expected="a request of a page of its origins",
            got=f"origin {origin!r}",
        )  # fmt: skip
    token = headers.get(user_tokens.HEADER.lower())
    return Caller(key.name, True, None if token is None else user_tokens.user_of(token, key.user_secret or ""))


def _readable_by(send: Send, origin: str) -> Send:
    """Lets pages of an origin read the answer."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = READABLE
            headers.add_vary_header("Origin")
        await send(message)

    return sending

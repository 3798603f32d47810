"""API keys: who has none gets pages and signs of life, and nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers

from shopkeeper.errors import ConfigError
from shopkeeper.serving.failures import failure
from shopkeeper.serving.problems import KeyRefusedError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

HEADER: Final = "X-API-Key"
OPEN: Final = frozenset({"/", "/dashboard", "/healthz", "/readyz", "/openapi.json"})
"""Paths that need no key."""
OPEN_FOLDER: Final = "/static/"


def read_keys(file: Path) -> frozenset[bytes]:
    """Digests of the keys in a text file: one key a line, empty lines and comments (``#``) left out.

    Raises:
        ConfigError: The file cannot be read, or holds no key.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the API keys in {file} cannot be read", got=str(error)) from error
    keys = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    if not keys:
        raise ConfigError(f"{file} holds no API key", expected="one key a line")
    return frozenset(map(_digest, keys))


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogateescape")).digest()


class ApiKeys:
    """Middleware that asks for a key. Keys are compared by their digests, so time tells nothing about them.

    Args:
        app: What answers those who have one.
        keys: Digests of the keys, from `read_keys`.
    """

    def __init__(self, app: ASGIApp, keys: frozenset[bytes]) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http" or is_open(scope["path"]) or self._has_key(scope):
            await self._app(scope, receive, send)
            return
        error = KeyRefusedError(
            "this address needs an API key", expected=f"a known key in the header {HEADER}",
            got="none" if HEADER.lower() not in Headers(scope=scope) else "an unknown one",
        )  # fmt: skip
        await failure(error, error.status, {"WWW-Authenticate": f'ApiKey header="{HEADER}"'})(scope, receive, send)

    def _has_key(self, scope: Scope) -> bool:
        return _digest(Headers(scope=scope).get(HEADER.lower(), "")) in self._keys


def is_open(path: str) -> bool:
    """Whether a path needs no key."""
    return path in OPEN or path.startswith(OPEN_FOLDER)

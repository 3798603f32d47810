"""Origins of pages, as browsers write them: scheme, host, and a port where it is not the usual one."""

from __future__ import annotations

from urllib.parse import urlsplit

from shopkeeper.errors import ConfigError


def checked_origin(origin: str) -> str:
    """An origin as browsers write it.

    Raises:
        ConfigError: It is none: a pattern, a path, or an address without its scheme.
    """
    found = origin.strip().lower().rstrip("/")
    if not _is_origin(found):
        raise ConfigError(
            "this is no origin of pages", expected="https://shop.example, with a port where it is not the usual one",
            got=repr(origin),
        )  # fmt: skip
    return found.removesuffix(":443" if found.startswith("https") else ":80")


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return False
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    right = parts.scheme in ("http", "https") and bool(host) and text.isascii() and not set(text) & set("* ")
    return right and text == f"{parts.scheme}://{host}{port}"


def place_of(origin: str) -> str | None:
    """``localhost:8080`` of ``http://localhost:8080``; None of what is no origin, such as ``null``."""
    try:
        return urlsplit(origin.lower()).netloc or None
    except ValueError:
        return None

"""Which scope each address needs. What stands in no line needs *admin*, so that a new address is closed at first."""

from __future__ import annotations

from typing import Final

from shopkeeper.serving.access.keys import KeyScope

OPEN: Final = frozenset({"/", "/dashboard", "/healthz", "/readyz", "/openapi.json"})
"""Paths that need no key."""
OPEN_FOLDER: Final = "/static/"
READING: Final = frozenset({"GET", "HEAD"})

_EVENTS: Final = frozenset({KeyScope.EVENTS})
_RECOMMEND: Final = frozenset({KeyScope.RECOMMEND})
_READ_ITEMS: Final = frozenset({KeyScope.RECOMMEND, KeyScope.ITEMS})
_ITEMS: Final = frozenset({KeyScope.ITEMS})
_METRICS: Final = frozenset({KeyScope.METRICS})
_ADMIN: Final = frozenset({KeyScope.ADMIN})
_OF_FIRST_STEP: Final = {
    "events": _EVENTS,
    "recommendations": _RECOMMEND,
    "predictions": _RECOMMEND,
    "questionnaire": _RECOMMEND,
    "categories": _READ_ITEMS,
    "metrics": _METRICS,
}
NOT_IN_BROWSERS: Final = frozenset({"predictions"})
"""How likely somebody buys or stays away is the shop's own business."""


def is_open(path: str) -> bool:
    """Whether a path needs no key."""
    return path in OPEN or path.startswith(OPEN_FOLDER)


def scopes_of(method: str, path: str) -> frozenset[KeyScope]:
    """The scopes of which a key needs one."""
    step = first_step(path)
    if step == "items":
        return _READ_ITEMS if method in READING else _ITEMS
    return _OF_FIRST_STEP.get(step, _ADMIN)


def first_step(path: str) -> str:
    """``items`` of ``/items/sku-001/similar``."""
    return path.removeprefix("/").partition("/")[0]

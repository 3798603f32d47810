"""Who asks: the key that a request came with, kept in its scope for the log and for routes that name users."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, MutableMapping
from typing import Any, Final, NamedTuple

from shopkeeper.serving.access.user_tokens import HEADER
from shopkeeper.serving.problems import ForbiddenError
from shopkeeper.types import Id

_IN_SCOPE: Final = "shopkeeper.caller"
_EVENT_IDS: Final = uuid.UUID("b6a1f0ee-52f5-4dd1-9b0c-6e4c9a2d7f10")


class Caller(NamedTuple):
    """Who asks."""

    key: str
    """Name of the key."""
    in_browser: bool = False
    """Whether it is a browser key, which speaks for one user at most."""
    user: str | None = None
    """The user whom its token names."""


def put_caller(scope: MutableMapping[str, Any], caller: Caller) -> None:
    """Notes who asks."""
    scope[_IN_SCOPE] = caller


def caller_of(scope: MutableMapping[str, Any]) -> Caller | None:
    """Who asks; None where no key was needed."""
    found: Caller | None = scope.get(_IN_SCOPE)
    return found


def check_own_user(scope: MutableMapping[str, Any], user_ids: Iterable[Id | None]) -> None:
    """Lets a browser key speak for the user of its token alone; other keys for everybody.

    Raises:
        ForbiddenError: It names another user.
    """
    caller = caller_of(scope)
    if caller is None or not caller.in_browser:
        return
    for user_id in user_ids:
        if user_id is not None and str(user_id) != caller.user:
            raise ForbiddenError(
                "a browser key speaks for its own user alone",
                expected=f"a token of this user in the header {HEADER}",
                got="none" if caller.user is None else "that of another user",
                remedy="let the shop's server sign one, or leave user_id out",
            )


def own_event_id(caller: Caller, event_id: str) -> str:
    """An event id of a page, apart from those of everybody else: nobody can take the id of an event to come."""
    return uuid.uuid5(_EVENT_IDS, f"{caller.key}\n{caller.user}\n{event_id}").hex

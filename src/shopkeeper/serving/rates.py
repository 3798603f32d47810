"""How often one caller may ask: so many requests a second, and what was not used in some seconds before.

Pure ASGI, since it lies on the path of every request. Each worker counts for itself.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from shopkeeper.serving.access.callers import caller_of
from shopkeeper.serving.failures import failure
from shopkeeper.serving.problems import TooOftenError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

MAX_CALLERS: Final = 10_000
"""Callers whose requests are counted; of more the one is forgotten who asked longest ago."""
NETWORK_BITS: Final = 64
"""Of an address of IPv6: a caller has a whole network of these."""


class Rates:
    """What each caller has left.

    Args:
        per_second: Requests that a caller gets each second.
        burst: Requests that may come at once, where none came before.
        max_callers: Callers that are counted at most.
    """

    def __init__(self, per_second: float, burst: float, max_callers: int = MAX_CALLERS) -> None:
        self._per_second = per_second
        self._burst = max(1.0, burst)
        self._max_callers = max_callers
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def wait(self, caller: str, now: float) -> float:
        """Takes one request of a caller; seconds until there is one, 0 where there is."""
        left, last = self._left.get(caller, (self._burst, now))
        left = min(self._burst, left + (now - last) * self._per_second)
        taken = left >= 1
        self._left[caller] = (left - taken, now)
        self._left.move_to_end(caller)
        if len(self._left) > self._max_callers:
            self._left.popitem(last=False)
        return 0.0 if taken else (1 - left) / self._per_second


class RateLimit:
    """Middleware that refuses with 429 who asks too often.

    Args:
        app: What answers the others.
        rates: What each has left.
        caller: Names who asks; None where that is not limited.
        kind: What the name is of, for the error.
    """

    def __init__(self, app: ASGIApp, rates: Rates, caller: Callable[[Scope], str | None], kind: str) -> None:
        self._app = app
        self._rates = rates
        self._caller = caller
        self._kind = kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        caller = self._caller(scope) if scope["type"] == "http" else None
        wait = 0.0 if caller is None else self._rates.wait(caller, time.monotonic())
        if not wait:
            await self._app(scope, receive, send)
            return
        error = TooOftenError(f"too many requests of one {self._kind}", remedy=f"ask again in {math.ceil(wait)} s")
        await failure(error, error.status, {"Retry-After": str(math.ceil(wait))})(scope, receive, send)


def address_of(scope: Scope) -> str | None:
    """The address of the caller, or the network where it has one of its own."""
    client = scope.get("client")
    if not client:
        return None
    try:
        address = ipaddress.ip_address(client[0])
    except ValueError:
        return str(client[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, NETWORK_BITS), strict=False))
    return str(client[0]).removeprefix("::ffff:")


def key_of(scope: Scope) -> str | None:
    """The name of the caller's key, where it has one."""
    caller = caller_of(scope)
    return None if caller is None else caller.key

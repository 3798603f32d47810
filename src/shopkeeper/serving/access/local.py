"""A service without keys answers this machine alone, and of what its browsers ask only what its own pages ask.

Any page of the web can make a browser send requests to the loopback address; its origin, the name that it asked for
(which its owner may let point here: DNS rebinding) and the kind of body that it may send without asking give it away.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from shopkeeper.errors import ConfigError
from shopkeeper.serving.access.origins import place_of
from shopkeeper.serving.problems import ForbiddenError, MediaTypeError

if TYPE_CHECKING:
    from starlette.datastructures import Headers

    from shopkeeper.serving.settings import ServiceSettings

REMEDY: Final = "make a key: shopkeeper keys create NAME --scope admin --file keys.txt, and serve with --api-key-file"
WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
OWN_SITES: Final = frozenset({"same-origin", "none"})
"""Values of `Sec-Fetch-Site`: the service's own page, or the person at the keyboard."""


def check_address(settings: ServiceSettings) -> None:
    """Lets a service without keys listen on the loopback address, or where `trusted_hosts` says who asks.

    Raises:
        ConfigError: It would answer everybody on the network.
    """
    if settings.api_key_file is None and not settings.trusted_hosts and not is_loopback(settings.host):
        raise ConfigError(
            f"a service without API keys does not listen on {settings.host or 'every address'}",
            expected="--host 127.0.0.1, or --api-key-file FILE", remedy=REMEDY,
        )  # fmt: skip


def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine alone."""
    name = host.lower().removesuffix(".")
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class LocalOnly:
    """What is checked of each request where there are no keys.

    Args:
        hosts: Names, beside those of this machine, that the service is asked under; without port.
    """

    def __init__(self, hosts: frozenset[str] = frozenset()) -> None:
        self._hosts = hosts

    def check(self, method: str, headers: Headers, shared: bool) -> None:
        """Lets a request pass.

        Args:
            method: Of the request.
            headers: Of the request.
            shared: Whether its origin was named in the settings.

        Raises:
            ForbiddenError: It was sent to another name, or by a page of another origin.
            MediaTypeError: Its body is not said to be JSON.
        """
        host = headers.get("host", "")
        if not self._is_ours(host):
            raise ForbiddenError(
                "without API keys this service answers to the names of its own machine alone",
                expected="localhost, 127.0.0.1, or a name of service.trusted_hosts", got=repr(host[:80]), remedy=REMEDY,
            )  # fmt: skip
        if not shared and self._is_foreign(method, headers, host):
            raise ForbiddenError(
                "without API keys no page of another origin may ask", expected="an origin of service.cors_origins",
                got=repr(headers.get("origin", headers.get("sec-fetch-site", ""))[:80]), remedy=REMEDY,
            )  # fmt: skip
        kind = headers.get("content-type")
        if kind is not None and method in WITH_BODY and not _is_json(kind):
            raise MediaTypeError(
                "the body is not said to be JSON", expected="the header Content-Type: application/json",
                got=repr(kind[:80]), remedy="with curl: --json '{...}' in place of -d",
            )  # fmt: skip

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return "@" not in host and (is_loopback(name) or name in self._hosts)

    @staticmethod
    def _is_foreign(method: str, headers: Headers, host: str) -> bool:
        """Whether a page of another origin asks; a link that somebody follows is not one."""
        origin = headers.get("origin")
        if origin is not None:
            return place_of(origin) != host.lower()
        site = headers.get("sec-fetch-site", "none")
        follows = method in ("GET", "HEAD") and headers.get("sec-fetch-mode") == "navigate"
        return site not in OWN_SITES and not follows


def _is_json(kind: str) -> bool:
    media = kind.partition(";")[0].strip().lower()
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))

"""Fetches a file from a web address that somebody else wrote: bounded in size and time, never from a private network.

A catalog is not trusted to name addresses. The name is resolved once, every address it resolves to must be a public
one, and the connection goes to exactly that address, so that a name cannot change its mind in between. Redirects are
checked in the same way. No credentials, cookies or proxies are used.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from threading import Timer
from typing import Annotated, Final
from urllib.parse import urljoin, urlsplit

from pydantic import Field

from shopkeeper.config import Settings

PORTS: Final = {"http": 80, "https": 443}
HOST: Final = re.compile(r"[0-9A-Za-z_.:-]+")
MOVED: Final = frozenset({301, 302, 303, 307, 308})
GONE: Final = frozenset({404, 410})
CHUNK: Final = 1 << 16
TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses that lead to the IPv4 address in their last four bytes."""
UNICAST: Final = ipaddress.ip_network("2000::/3")
"""All of IPv6 that the open internet routes; what lies outside is of a link, of a site, or written in an old way."""
PRIVATE: Final = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128"))
)
"""What `allow_private` allows beside public addresses."""
METADATA: Final = frozenset(
    map(
        ipaddress.ip_address,
        ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192", "168.63.129.16"),
    )
)
"""Addresses at which clouds tell their machines secrets; most others are of a link."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class FetchSettings(Settings):
    """Whether and how web addresses in a catalog are fetched."""

    enabled: bool = False
    """Fetch them at all; where not, items with one count as without."""
    timeout_seconds: Annotated[float, Field(gt=0)] = 10.0
    """Nothing came for so long."""
    total_seconds: Annotated[float, Field(gt=0)] = 30.0
    """One file takes longer than this, redirects included."""
    redirects: Annotated[int, Field(ge=0, le=10)] = 3
    """Times that an address may point to another one."""
    at_once: Annotated[int, Field(ge=1, le=64)] = 8
    """Files that are fetched at the same time."""
    allow_private: bool = False
    """Also from addresses of private networks and this machine, never from link-local ones: for a shop's own server of
    pictures, where the shop writes the catalog."""


class FetchError(Exception):
    """A file was not fetched; never leaves this package.

    Attributes:
        gone: Whether the other side says that there is no such file.
        refused: Whether it is we who do not want to go there.
        huge: Whether it is too large.
    """

    def __init__(self, detail: str, *, gone: bool = False, refused: bool = False, huge: bool = False) -> None:
        self.gone, self.refused, self.huge = gone, refused, huge
        super().__init__(detail)


def fetch(url: str, settings: FetchSettings, most_bytes: int) -> bytes:
    """The content behind a web address.

    Args:
        url: With http or https.
        settings: How long to wait, and whether private addresses are allowed.
        most_bytes: A larger file is refused, at the latest when so much has come.

    Raises:
        FetchError: It is refused, gone, too large, or did not come in time.
    """
    deadline = time.monotonic() + settings.total_seconds
    for _ in range(settings.redirects + 1):
        target = _target(url, settings)
        answer = _Fetching(target, settings, deadline).content(most_bytes)
        if isinstance(answer, bytes):
            return answer
        url = urljoin(url, answer)
    raise FetchError(f"more than {settings.redirects} redirects")


def is_public(address: Address) -> bool:
    """Whether an address is one of the open internet, also where an IPv6 address stands for an IPv4 one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in TRANSLATED:
            inner = ipaddress.IPv4Address(address.packed[-4:])
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address not in UNICAST:
            return False
    return address.is_global and not address.is_multicast and address not in METADATA


def is_of_a_network(address: Address) -> bool:
    """Whether an address is a public one, or one that a shop's own server has: of a private network, or this machine.

    Never one of a link or of a cloud's metadata, which give away the rights of a machine, nor an odd IPv6 range.
    """
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return is_of_a_network(address.ipv4_mapped)
    return is_public(address) or any(address in network for network in PRIVATE if address not in METADATA)


@dataclass(frozen=True)
class _Target:
    """Where to connect to and what to ask for."""

    scheme: str
    host: str
    port: int
    path: str
    address: str


def _target(url: str, settings: FetchSettings) -> _Target:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
        host = host.encode("idna").decode("ascii") if not host.isascii() else host
    except ValueError as error:
        raise FetchError(f"no web address: {error}", refused=True) from error
    if parts.scheme not in PORTS or not HOST.fullmatch(host) or parts.username is not None:
        raise FetchError("only plain http and https addresses are fetched", refused=True)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii() or any(letter <= " " for letter in path):
        raise FetchError("letters that an address cannot have", refused=True)
    return _Target(parts.scheme, host, port, path, _resolved(host, port, settings))


def _resolved(host: str, port: int, settings: FetchSettings) -> str:
    """The first address of a host, all of which must be allowed."""
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise FetchError(f"{host} is not found: {error}") from error
    for address in found:
        allowed = is_of_a_network if settings.allow_private else is_public
        if not allowed(ipaddress.ip_address(address.partition("%")[0])):
            raise FetchError(f"{host} leads to a private address", refused=True)
    return found[0]


class _Connection(HTTPConnection):
    """Connects to an address that was checked, whatever the name of the host leads to now."""

    def __init__(self, target: _Target, timeout: float) -> None:
        super().__init__(target.host, target.port, timeout=timeout)
        self.default_port = PORTS[target.scheme]
        self.opened: socket.socket | None = None  # `sock` is let go as soon as the answer has it
        self._target = target

    def connect(self) -> None:
        """Opens the connection, encrypted for https with the certificate checked for the name of the host."""
        self.sock = socket.create_connection((self._target.address, self._target.port), self.timeout)
        if self._target.scheme == "https":
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self._target.host)
        self.opened = self.sock


class _Fetching:
    """One request and its answer, ended from outside when the time is up."""

    def __init__(self, target: _Target, settings: FetchSettings, deadline: float) -> None:
        self._target = target
        self._left = deadline - time.monotonic()
        self._connection = _Connection(target, min(settings.timeout_seconds, max(self._left, 0.001)))
        self._late = False

    def content(self, most_bytes: int) -> bytes | str:
        """The content, or the address of a redirect."""
        timer = Timer(max(self._left, 0.0), self._hang_up)
        timer.daemon = True
        timer.start()
        try:
            headers = {"Accept": "image/*", "Accept-Encoding": "identity", "User-Agent": "shopkeeper"}
            self._connection.request("GET", self._target.path, headers=headers)
            with self._connection.getresponse() as answer:
                content = _read(answer, most_bytes)
        except (OSError, HTTPException, ValueError) as error:
            said = "it took too long" if self._late else f"{type(error).__name__}: {error}"
            raise FetchError(f"{self._target.host}: {said}") from error
        finally:
            timer.cancel()
            self._connection.close()
        if self._late:
            raise FetchError(f"{self._target.host}: it took too long")
        return content

    def _hang_up(self) -> None:
        self._late = True
        if self._connection.opened is not None:
            with suppress(OSError):  # it may be closed by now
                self._connection.opened.shutdown(socket.SHUT_RDWR)


def _read(answer: HTTPResponse, most_bytes: int) -> bytes | str:
    """The content of an answer, or where it points to."""
    if answer.status in MOVED:
        return answer.headers.get("Location", "")
    if answer.status != 200:
        raise FetchError(f"status {answer.status}", gone=answer.status in GONE)
    if (answer.length or 0) > most_bytes:
        raise FetchError(f"{(answer.length or 0) / 1e6:.0f} megabytes", huge=True)
    content = bytearray()
    while part := answer.read(CHUNK):
        content += part
        if len(content) > most_bytes:
            raise FetchError(f"more than {most_bytes / 1e6:.0f} megabytes", huge=True)
    if answer.length:  # what was promised and did not come
        raise FetchError("it was cut short")
    return bytes(content)

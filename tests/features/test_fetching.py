"""Fetching from a real server on this machine, and the addresses that are never gone to."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shopkeeper.features import fetching
from shopkeeper.features.fetching import FetchError, FetchSettings, fetch, is_of_a_network, is_public

PRIVATE = FetchSettings(allow_private=True, timeout_seconds=60, total_seconds=120, redirects=1)
MOST = 100_000


class Server:
    """Serves a few paths, each with a fault of its own."""

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.redirect = ""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.hosts.append(self.headers["Host"])
                getattr(self, "answer_" + self.path.strip("/").partition("?")[0])()

            def send(self, status: int, content: bytes, length: int | None = None, **headers: str) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content) if length is None else length))
                self.end_headers()
                self.wfile.write(content)

            def answer_picture(self) -> None:
                self.send(200, b"picture of " + self.path.encode())

            def answer_gone(self) -> None:
                self.send(404, b"")

            def answer_error(self) -> None:
                self.send(503, b"busy")

            def answer_moved(self) -> None:
                self.send(302, b"", Location=outer.redirect)

            def answer_large(self) -> None:
                self.send(200, b"", length=MOST + 1)

            def answer_endless(self) -> None:
                self.send_response(200)
                self.end_headers()
                for _ in range(10):
                    self.wfile.write(bytes(MOST // 4))

            def answer_short(self) -> None:
                self.send(200, b"half", length=8)

            def answer_dripping(self) -> None:
                self.send_response(200)
                self.end_headers()
                for _ in range(100):
                    self.wfile.write(b"x")
                    self.wfile.flush()
                    time.sleep(0.05)

            def answer_silent(self) -> None:
                outer.closing.wait()

            def log_message(self, *_: object) -> None: ...

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None: ...  # who asks may hang up

        self.closing = threading.Event()
        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}).start()

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.close()


def failure(url: str, settings: FetchSettings = PRIVATE) -> FetchError:
    with pytest.raises(FetchError) as error:
        fetch(url, settings, MOST)
    return error.value


def test_a_file_is_fetched(server: Server) -> None:
    assert fetch(f"{server.url}/picture?size=1", PRIVATE, MOST) == b"picture of /picture?size=1"


def test_faults_are_told_apart(server: Server) -> None:
    assert failure(f"{server.url}/gone").gone
    assert "status 503" in str(failure(f"{server.url}/error"))
    assert failure(f"{server.url}/large").huge
    assert failure(f"{server.url}/endless").huge
    assert "cut short" in str(failure(f"{server.url}/short"))
    assert "is not found" in str(failure("http://no-such-host.invalid/picture"))


def test_time_is_bounded_for_silence_and_for_a_drip(server: Server) -> None:
    assert "TimeoutError" in str(failure(f"{server.url}/silent", PRIVATE.replace(timeout_seconds=0.2)))
    assert "too long" in str(failure(f"{server.url}/dripping", PRIVATE.replace(total_seconds=0.4)))


def test_redirects_are_followed_so_far_and_no_further(server: Server) -> None:
    server.redirect = "/picture"
    assert fetch(f"{server.url}/moved", PRIVATE, MOST) == b"picture of /picture"
    server.redirect = "/moved"
    assert "more than 1 redirects" in str(failure(f"{server.url}/moved"))
    server.redirect = "file:///etc/passwd"
    assert failure(f"{server.url}/moved").refused


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://10.1.2.3/", "http://192.168.0.1/",
        "http://169.254.169.254/latest/meta-data", "http://2130706433/", "http://0x7f.1/", "http://0/",
        "http://[::ffff:127.0.0.1]/", "http://100.64.0.1/", "http://[fe80::1]/", "http://[fd00::1]/",
        "ftp://example.com/a", "file:///etc/passwd", "http://user:word@example.com/", "http:///a", "http://[1]/",
        "http://exa mple.com/", "https://example.com/a\r\nHost: b", "http://example.com:99999/",
    ],
)  # fmt: skip
def test_private_addresses_and_strange_ones_are_refused(url: str) -> None:
    assert failure(url, FetchSettings()).refused


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True), ("2606:4700::1111", True), ("::ffff:10.0.0.1", False), ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d822", True), ("2002:7f00:1::", False), ("2001:0:4136:e378::1", False), ("224.0.0.1", False),
        ("ff02::1", False), ("0.0.0.0", False), ("::", False),  # noqa: S104
    ],
)  # fmt: skip
def test_what_is_public(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("93.184.216.34", True), ("10.1.2.3", True), ("172.31.0.1", True), ("192.168.1.7", True), ("127.0.0.1", True),
        ("fd12::1", True), ("::1", True), ("2606:4700::1111", True), ("::ffff:10.0.0.1", True),
        ("169.254.169.254", False), ("169.254.0.1", False), ("::ffff:169.254.169.254", False), ("fe80::1", False),
        ("64:ff9b::a9fe:a9fe", False), ("2002:a9fe:a9fe::1", False), ("::169.254.169.254", False), ("::a00:1", False),
        ("64:ff9b:1::a9fe:a9fe", False), ("2001:0:4136:e378::1", False), ("fec0::1", False), ("fd00:ec2::254", False),
        ("100.100.100.200", False), ("192.0.0.192", False), ("0.0.0.0", False), ("::", False),  # noqa: S104
        ("224.0.0.1", False), ("255.255.255.255", False), ("240.0.0.1", False), ("ff02::1", False), ("100::1", False),
    ],
)  # fmt: skip
def test_what_a_shops_own_server_may_be_called(address: str, allowed: bool) -> None:
    assert is_of_a_network(ipaddress.ip_address(address)) is allowed
    if not allowed:
        assert not is_public(ipaddress.ip_address(address))


def names(known: dict[str, str]) -> Callable[..., list[tuple[object, ...]]]:
    """A directory of names in place of the network's."""

    def look_up(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (known[host], port))]

    return look_up


def test_the_connection_goes_to_the_address_that_was_checked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", names({"shop.example": "127.0.0.1", "127.0.0.1": "127.0.0.1"}))
    assert fetch(f"http://shop.example:{server.port}/picture", PRIVATE, MOST).startswith(b"picture")
    assert server.hosts == [f"shop.example:{server.port}"]


def test_a_redirect_to_a_private_address_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "is_public", lambda address: str(address) == "127.0.0.1")
    server.redirect = f"http://127.0.0.2:{server.port}/picture"
    assert failure(f"{server.url}/moved", FetchSettings()).refused
    assert len(server.hosts) == 1

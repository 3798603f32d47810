"""Bounds of a connection, before and around a request: bytes, lines, time, number; over plain sockets."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, cast

import pytest
import uvicorn

from shopkeeper.serving.connections import MAX_PIPELINED, BoundedProtocol, Connections
from shopkeeper.serving.settings import ServiceSettings
from waiting import A_LONG_TIME, until

GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"


class Application:
    """Reads the body and answers with its length and the names of the headers; what is asked to hang hangs."""

    def __init__(self) -> None:
        self.ends: Counter[str] = Counter()
        self.headers: list[tuple[bytes, bytes]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        try:
            self.ends["begun"] += 1
            if scope["path"] == "/hang":
                await asyncio.sleep(A_LONG_TIME)
            length = 0 if scope["path"] == "/unread" else await self._length(receive)
            self.headers = list(scope["headers"])
            body = str(length).encode() * (1_000_000 if scope["path"] == "/long" else 1)
            start = {"type": "http.response.start", "status": 200}
            await send(start | {"headers": [(b"content-length", str(len(body)).encode())]})
            await send({"type": "http.response.body", "body": body})
            self.ends["answered"] += 1
        except asyncio.CancelledError:
            self.ends["cancelled"] += 1
            raise

    async def _length(self, receive: Any) -> int:
        length, more = 0, True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                self.ends["disconnected"] += 1
                return length
            length += len(message["body"])
            more = message.get("more_body", False)
        return length


class Running:
    """A server in a thread of its own."""

    def __init__(self, port: int, app: Application, connections: Connections) -> None:
        self.port = port
        self.app = app
        self.connections = connections

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=A_LONG_TIME) as connection:
            yield connection

    def answer(self, *pieces: bytes) -> bytes:
        """All that comes until the service closes, or its first answer is whole."""
        with self.connection() as connection:
            with suppress(OSError):
                for piece in pieces:
                    connection.sendall(piece)
            return rest(connection)


def rest(connection: socket.socket) -> bytes:
    """What still comes, until the other side closes."""
    found = b""
    with suppress(OSError):
        while piece := connection.recv(65_536):
            found += piece
    return found


@contextmanager
def running(**settings: Any) -> Iterator[Running]:
    app, connections = Application(), Connections(ServiceSettings(**({"idle_seconds": 0.3} | settings)))
    protocol = partial(BoundedProtocol, connections=connections)
    config = uvicorn.Config(app, http=cast(Any, protocol), ws="none", log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            until(lambda: server.started)
            yield Running(listener.getsockname()[1], app, connections)
        finally:
            server.should_exit = server.force_exit = True
            thread.join(A_LONG_TIME)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    """With the usual bounds; patient ones of time."""
    with running() as found:
        yield found


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def problem(answer: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert set(found) == {"error", "request_id"}
    return cast(dict[str, Any], found["error"])


def test_a_plain_request_is_answered_and_the_idle_connection_is_closed(server: Running) -> None:
    answer = server.answer(POST + b"Content-Length: 4\r\n\r\nbody")
    assert status(answer) == 200
    assert answer.endswith(b"4")


LONG = {
    "one value": (GET + b"X: " + b"x" * 33_000 + b"\r\n\r\n",),
    "one name": (GET + b"x" * 33_000 + b": a\r\n\r\n",),
    "an address": (b"GET /" + b"x" * 33_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",),
    "many lines": (GET + b"X: a\r\n" * 101 + b"\r\n",),
    "much of all": (GET + b"".join(b"X: %s\r\n" % (b"x" * 1000) for _ in range(40)) + b"\r\n",),
    "in pieces": (GET, *([b"X: %s\r\n" % (b"x" * 1000)] * 40), b"\r\n"),
    "without an end": (GET + b"X: ", *([b"x" * 65_536] * 32)),
    "empty lines before": (b"\r\n" * 40_000, GET + b"\r\n"),
    "what a chunk says of itself": (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1;a=", *([b"x" * 60_000] * 8)),
    "behind the body": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n", b"X: ", *([b"x" * 60_000] * 8), b"\r\n\r\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LONG)
def test_a_long_header_is_refused_before_anybody_reads_it(server: Running, name: str) -> None:
    before = server.app.ends["answered"]
    answer = server.answer(*LONG[name])
    assert not answer or status(answer) == 431
    if name in ("one value", "one name", "an address", "many lines", "much of all", "in pieces"):
        assert problem(answer)["expected"] == "at most 32768 bytes and 100 lines"
    assert server.app.ends["answered"] == before


def test_a_header_at_the_bound_is_read(server: Running) -> None:
    head = GET + b"A: b\r\n" * 98 + b"Connection: close\r\n"
    assert status(server.answer(head + b"\r\n")) == 200
    value = b"x" * (32_768 - len(b"/") - len(b"Host: a\r\nConnection: close\r\nX: \r\n"))
    assert status(server.answer(GET + b"Connection: close\r\nX: " + value + b"\r\n\r\n")) == 200
    assert status(server.answer(GET + b"Connection: close\r\nX: x" + value + b"\r\n\r\n")) == 431


def test_what_stands_behind_a_body_is_no_header_of_the_request(server: Running) -> None:
    chunks = b"1\r\na\r\n0\r\nX-API-Key: smuggled\r\n\r\n"
    assert status(server.answer(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)) == 200
    assert b"x-api-key" not in dict(server.app.headers)


def test_what_is_no_http_is_told_so_in_our_form(server: Running) -> None:
    answer = server.answer(b"\x16\x03\x01\x02\x00")
    assert status(answer) == 400
    assert problem(answer)["problem"] == "this is not HTTP"


def test_a_long_body_in_many_pieces_is_no_long_header(server: Running) -> None:
    pieces = [b"x" * 40_000] * 5
    answer = server.answer(POST + b"Connection: close\r\nContent-Length: 200000\r\n\r\n", *pieces)
    assert answer.endswith(b"200000")
    chunks = [b"9c40\r\n" + piece + b"\r\n" for piece in pieces]
    head = POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert server.answer(head, *chunks, b"0\r\n\r\n").endswith(b"200000")


def test_a_body_that_nobody_reads_is_not_taken_for_ever(server: Running) -> None:
    with server.connection() as connection:
        connection.sendall(b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
        with pytest.raises(OSError, match=r"reset|pipe|abort"):
            for _ in range(1000):
                connection.sendall(b"x" * 1_000_000)


def test_several_requests_ahead_are_answered_in_order(server: Running) -> None:
    asked = [POST + b"Content-Length: %d\r\n\r\n%s" % (length, b"x" * length) for length in range(1, 6)]
    answer = server.answer(b"".join(asked) + GET + b"Connection: close\r\n\r\n")
    assert [part.partition(b"\r\n\r\n")[2] for part in answer.split(b"HTTP/1.1 200 OK")[1:]] == [
        b"1", b"2", b"3", b"4", b"5", b"0",
    ]  # fmt: skip


def test_too_many_requests_ahead_end_the_connection(server: Running) -> None:
    begun = server.app.ends["begun"]
    asked = b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n"
    assert server.answer(asked * (MAX_PIPELINED + 2)) == b""
    until(lambda: server.app.ends["cancelled"] > 0)
    assert server.app.ends["begun"] - begun <= 1


def test_a_request_ends_with_its_connection(server: Running) -> None:
    begun, cancelled = server.app.ends["begun"], server.app.ends["cancelled"]
    with server.connection() as connection:
        connection.sendall(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: server.app.ends["begun"] > begun)
    until(lambda: server.app.ends["cancelled"] > cancelled)


@pytest.fixture(scope="module")
def hasty() -> Iterator[Running]:
    """With short times."""
    with running(header_seconds=0.3, body_seconds=0.6, idle_seconds=0.2) as found:
        yield found


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"\r\n\r\n"])
def test_who_asks_nothing_is_closed(hasty: Running, sent: bytes) -> None:
    assert hasty.answer(sent) == b""


@pytest.mark.parametrize("sent", [b"G", GET, GET + b"X: "])
def test_a_slow_header_is_refused(hasty: Running, sent: bytes) -> None:
    answer = hasty.answer(sent)
    assert status(answer) == 408
    assert problem(answer)["problem"] == "the header did not come in time"


def test_a_header_that_comes_drop_by_drop_is_refused(hasty: Running) -> None:
    with hasty.connection() as connection:
        connection.sendall(GET)
        with suppress(OSError):
            deadline = time.monotonic() + A_LONG_TIME
            while time.monotonic() < deadline:
                connection.sendall(b"X: a\r\n")
                time.sleep(0.05)
                connection.settimeout(0.01)
                with suppress(TimeoutError):
                    assert status(connection.recv(1000)) == 408
                    return
                connection.settimeout(A_LONG_TIME)
        raise AssertionError("it was not refused")


def test_a_slow_body_is_refused_and_its_request_ends(hasty: Running) -> None:
    ends = hasty.app.ends
    before = ends["disconnected"] + ends["cancelled"]
    answer = hasty.answer(POST + b"Content-Length: 10\r\n\r\n{")
    assert status(answer) == 408
    assert problem(answer)["problem"] == "the body did not come in time"
    until(lambda: ends["disconnected"] + ends["cancelled"] > before)


def test_an_answer_that_takes_long_is_waited_for(hasty: Running) -> None:
    with hasty.connection() as connection:
        connection.sendall(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.settimeout(1.5)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_who_does_not_take_an_answer_is_closed(hasty: Running) -> None:
    with hasty.connection() as connection:
        connection.sendall(b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n" * 30)
        until(lambda: hasty.app.ends["answered"] > 0)
        until(lambda: len(hasty.connections) == 0)


def test_of_too_many_connections_those_go_that_only_wait() -> None:
    patient = {"idle_seconds": 100, "header_seconds": 100}
    with running(max_connections=4, **patient) as server, server.connection() as busy:
        busy.sendall(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: server.app.ends["begun"] == 1)
        waiting = [socket.create_connection(("127.0.0.1", server.port), timeout=A_LONG_TIME) for _ in range(8)]
        assert status(server.answer(GET + b"Connection: close\r\n\r\n")) == 200
        assert all(rest(one) == b"" for one in waiting[:5])
        for one in waiting:
            one.close()
        busy.settimeout(0.2)
        with pytest.raises(TimeoutError):
            busy.recv(1)


@pytest.mark.parametrize("bound", ["max_connections", "max_connections_per_address"])
def test_where_all_are_busy_a_new_connection_is_refused(bound: str) -> None:
    with running(**{bound: 2}) as server, server.connection() as one, server.connection() as other:
        for busy in (one, other):
            busy.sendall(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: server.app.ends["begun"] == 2)
        with server.connection() as third:
            answer = rest(third)
        assert status(answer) == 503
        assert b"\r\nretry-after: 1\r\n" in answer


def test_as_many_files_may_be_open_as_connections_are_taken() -> None:
    code = (
        "import resource; from shopkeeper.serving.server import allow_files;"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 300)); allow_files(200);"
        "first = resource.getrlimit(resource.RLIMIT_NOFILE)[0]; allow_files(100_000);"
        "print(first, resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["200", "300"]

"""Bodies and headers that nobody means well with: refused in our form, and the service answers on."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from server import Server

LIMIT = 1 << 20
EVENT = b'{"user_id":"c1","item_id":"sku-001","event_type":"view"%s}'
BODIES = {
    "nothing": (b"", 400),
    "no JSON": (b"user=c1", 400),
    "half": (b'{"user_id":"c1"', 400),
    "two": (EVENT % b"" + b"{}", 400),
    "not UTF-8": (EVENT % b',"session_id":"\xff\xfe"', 400),
    "latin-1": ('{"user_id":"é"}'.encode("latin-1"), 400),
    "UTF-16": ('{"user_id":"c1"}'.encode("utf-16"), 400),
    "a byte order mark": (b"\xef\xbb\xbf" + EVENT % b"", 400),
    "a lone surrogate": (EVENT % b',"session_id":"\\ud800 x"', 400),
    "half a surrogate pair": (EVENT % b',"session_id":"\\ud800\\ud800"', 400),
    "NUL written out": (EVENT % b',"session_id":"a\\u0000"', 422),
    "NUL itself": (EVENT % b',"session_id":"a\0"', 400),
    "NaN": (EVENT % b',"price":NaN', 400),
    "infinity": (EVENT % b',"price":1e999', 422),
    "a huge integer": (b'{"user_id":%s,"item_id":"a","event_type":"view"}' % (b"9" * 5000), 422),
    "a huge price": (EVENT % b',"price":%s' % (b"9" * 5000), 422),
    "a huge time": (EVENT % b',"timestamp":%s' % (b"9" * 30), 422),
    "a huge position": (EVENT % b',"position":%s' % (b"9" * 30), 422),
    "deep lists": (b"[" * 200_000, 422),
    "deep lists in a field": (EVENT % b',"session_id":%s' % (b"[" * 200_000), 422),
    "deep objects": (b'{"a":' * 100_000, 422),
    "a number": (b"17", 422),
    "null": (b"null", 422),
    "a list of null": (b"[null]", 422),
    "a list of lists": (b"[[[[]]]]", 422),
    "repeated names, the last wrong": (EVENT % b',"item_id":1', 422),
}


@pytest.mark.parametrize("path", ["/events", "/recommendations"])
@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_refused(server: Server, path: str, name: str) -> None:
    body, status = BODIES[name]
    answer = server.client.post(path, content=body)
    assert answer.status_code in ({400, 422} if path == "/recommendations" else {status}), answer.text
    error = answer.json()["error"]
    assert set(error) == {"problem", "expected", "got", "remedy"}
    assert len(answer.content) < 3000
    assert server.client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/events", "/recommendations"])
def test_a_long_body_is_not_read(server: Server, path: str) -> None:
    answer = server.client.post(path, content=b" " * (LIMIT + 1))
    assert answer.status_code == 413
    assert answer.json()["error"]["expected"] == f"at most {LIMIT} bytes"
    assert server.client.post(path, content=(b" " * 65536 for _ in range(64))).status_code == 413
    assert server.client.post("/recommendations", content=b"{}" + b" " * (LIMIT - 2)).status_code == 200


def test_a_length_that_lies_far_away_is_refused_at_once(server: Server) -> None:
    with raw(server) as connection:
        connection.putrequest("POST", "/events")
        connection.putheader("Content-Length", "1000000000000")
        connection.endheaders()
        assert connection.getresponse().status == 413


def test_a_body_that_breaks_off_does_no_harm(server: Server) -> None:
    for _ in range(5):
        with socket.create_connection((urlsplit(server.address).hostname, urlsplit(server.address).port)) as plain:
            plain.sendall(b"POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n" + EVENT % b"")
    assert server.client.get("/readyz").json()["ready"] is True
    assert not [line for line in server.logs() if line["level"] in ("error", "critical")]


@pytest.mark.parametrize("given", ["abc-1.2:3", "x" * 128])
def test_a_good_request_id_comes_back(server: Server, given: str) -> None:
    answer = server.client.get("/items/nothing", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] == answer.json()["request_id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", 'a"b', "é"])
def test_a_bad_request_id_is_replaced(server: Server, given: str) -> None:
    answer = server.client.get("/items/nothing", headers={"X-Request-ID": given.encode()})
    assert answer.headers["X-Request-ID"] == answer.json()["request_id"]
    assert len(answer.headers["X-Request-ID"]) == 32


def test_other_methods_are_told_what_goes(server: Server) -> None:
    answer = server.client.put("/users/c1")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "DELETE, GET"
    assert answer.json()["error"]["problem"] == "this address does not answer PUT"


def test_ids_in_paths_are_checked(server: Server) -> None:
    for path in ("/users/%00", "/users/" + "x" * 513):
        assert server.client.get(path).status_code == 422
    assert server.client.get("/users/%ff%fe").status_code == 200
    assert server.client.get("/items/%ff%fe").status_code == 404


def test_long_texts_in_errors_are_cut(server: Server) -> None:
    answer = server.client.post(
        "/events", json=json.loads(EVENT % b"") | {"event_type": "x" * 60, "user_id": "y" * 512}
    )
    assert len(answer.content) < 1000
    answer = server.client.get("/nothing/" + "x" * 5000)
    assert answer.status_code == 404
    assert len(answer.content) < 1000


class raw:  # noqa: N801
    """A connection that is closed at the end of the block."""

    def __init__(self, server: Server) -> None:
        place = urlsplit(server.address)
        self._connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=10)

    def __enter__(self) -> http.client.HTTPConnection:
        return self._connection

    def __exit__(self, *_: Any) -> None:
        self._connection.close()

"""A page of another origin in a real browser: it reads and posts nothing without keys, and just what its key allows."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from server import Server, running_server

from shopkeeper.serving.access.keys import BROWSER_SCOPES, CreatedKey, KeyScope, create_key
from shopkeeper.serving.access.user_tokens import sign_user

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
EVENT = {"user_id": "evil", "item_id": "sku-001", "event_type": "view"}
ASK = """async ([url, options]) => {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(60_000), ...options });
    return { status: answer.status, type: answer.type, text: await answer.text() };
  } catch (error) {
    return { blocked: String(error) };
  }
}"""
FORM = """([url, text]) => new Promise((resolve) => {
  const frame = Object.assign(document.createElement("iframe"), { name: "hidden" });
  const form = Object.assign(document.createElement("form"),
    { method: "post", enctype: "text/plain", action: url, target: "hidden" });
  form.append(Object.assign(document.createElement("input"), { name: text.slice(0, -1), value: "}" }));
  document.body.append(frame, form);
  frame.onload = () => resolve(true);
  setTimeout(() => resolve(false), 60_000);
  form.submit();
})"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of a server of somebody else."""
    folder = tmp_path_factory.mktemp("foreign")
    (folder / "index.html").write_text("<!doctype html><title>Somebody</title><body>")
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def page_key(tmp_path_factory: pytest.TempPathFactory, foreign: str) -> tuple[Path, CreatedKey, CreatedKey]:
    """A file, the key of that origin, and one of another."""
    file = tmp_path_factory.mktemp("keys") / "keys.txt"
    create_key(file, "backend", frozenset({KeyScope.ADMIN}))
    here = create_key(file, "page", BROWSER_SCOPES, origins=[foreign])
    return file, here, create_key(file, "elsewhere", BROWSER_SCOPES, origins=["https://shop.example"])


@pytest.fixture(scope="module")
def locked(circle_bundle: Path, page_key: tuple[Path, CreatedKey, CreatedKey]) -> Iterator[Server]:
    file = page_key[0]
    with running_server(circle_bundle, file.with_name("shop.db"), "--api-key-file", str(file)) as running:
        yield running


@pytest.fixture
def page(chromium: Browser, foreign: str) -> Iterator[Page]:
    """A window at that origin."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(foreign)
    yield page
    context.close()


def options(method: str = "GET", body: Any = None, **headers: str) -> dict[str, Any]:
    return {"method": method, "headers": headers} | ({} if body is None else {"body": json.dumps(body)})


def users(database: Path) -> set[str]:
    connection = sqlite3.connect(database)
    found = {row[0] for row in connection.execute("SELECT user_id FROM events")}
    connection.close()
    return found


def test_without_keys_it_reads_and_posts_nothing(page: Page, server: Server, database: Path) -> None:
    tries = [
        ("/items", options()),
        ("/users", options()),
        ("/metrics", options() | {"mode": "no-cors"}),
        ("/events", options("POST", EVENT, **{"Content-Type": "application/json"})),
        ("/events", options("POST", EVENT, **{"Content-Type": "text/plain"})),
        ("/events", options("POST", EVENT) | {"mode": "no-cors"}),
        ("/recommendations", options("POST", {"k": 3}, **{"Content-Type": "text/plain"})),
        ("/users/c1", options("DELETE")),
        ("/items/sku-001", options("PATCH", {"price": 0}, **{"Content-Type": "application/json"})),
    ]
    for address in (server.address, server.address.replace("127.0.0.1", "localhost")):
        for path, asked in tries:
            found = page.evaluate(ASK, [address + path, asked])
            opaque = found.get("type") == "opaque" and found["text"] == ""
            assert opaque or found.get("blocked"), (path, asked, found)
        page.evaluate(FORM, [f"{address}/events", json.dumps(EVENT)])
    assert "evil" not in users(database)
    assert server.client.get("/users/c1").json()["known"]
    assert server.client.get("/items/sku-001").json()["price"] != 0


def test_with_its_key_it_does_just_what_the_key_allows(
    page: Page, locked: Server, page_key: tuple[Path, CreatedKey, CreatedKey]
) -> None:
    _, here, elsewhere = page_key
    json_too = {"Content-Type": "application/json"}
    mine = json_too | {"X-API-Key": here.secret, "X-User-Token": sign_user(here.key.user_secret or "", "c1", 60)}

    def status(path: str, asked: dict[str, Any]) -> Any:
        found = page.evaluate(ASK, [locked.address + path, asked])
        return found.get("status", "blocked")

    event = EVENT | {"user_id": "c1"}
    assert status("/items", options(**mine)) == 200
    assert status("/events", options("POST", event, **mine)) == 200
    assert status("/recommendations", options("POST", {"user_id": "c1"}, **mine)) == 200
    assert status("/recommendations", options("POST", {}, **json_too, Authorization=f"Bearer {here.secret}")) == 200

    assert status("/events", options("POST", EVENT, **mine)) == 403, "another user"
    assert status("/recommendations", options("POST", {"user_id": "c2"}, **mine)) == 403
    assert status("/users/c1", options(**mine)) == 403
    assert status("/users/c1", options("DELETE", **mine)) == 403
    assert status("/items/sku-001", options("PATCH", {"price": 0}, **mine)) == 403
    assert status("/metrics", options(**mine)) == 403
    assert status("/items", options()) == 401
    assert status("/items", options(**json_too, **{"X-API-Key": elsewhere.secret})) == 403
    assert users(page_key[0].with_name("shop.db")) == {"c1"}


def test_a_page_that_no_key_belongs_to_reads_nothing_even_with_one(
    chromium: Browser, locked: Server, foreign: str, page_key: tuple[Path, CreatedKey, CreatedKey]
) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(foreign.replace("127.0.0.1", "localhost"))
    found = page.evaluate(ASK, [f"{locked.address}/items", options(**{"X-API-Key": page_key[1].secret})])
    context.close()
    assert found.get("blocked")

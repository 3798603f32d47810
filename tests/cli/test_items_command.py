"""`shopkeeper items`: a service that runs knows of what was written into its store, or sent to it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest

from shopkeeper.data.catalog import Catalog

sys.path.append(str(Path(__file__).parents[1] / "serving"))  # the server of those tests
from server import Server, running_server, shop_bundle

from waiting import until

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("keys") / "keys.txt"
    file.write_text("secret-of-the-shop\n")
    return file


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Iterator[tuple[Server, Path]]:
    """A server that asks for a key, and its database."""
    folder = tmp_path_factory.mktemp("shop")
    database = folder / "shop.db"
    with running_server(shop_bundle(folder / "bundle"), database, "--api-key-file", str(keys)) as server:
        server.client.headers["X-API-Key"] = "secret-of-the-shop"
        yield server, database


def item(server: Server, item_id: str) -> dict[str, Any] | None:
    answer = server.client.get(f"/items/{item_id}")
    return answer.json() if answer.status_code == 200 else None


@pytest.mark.parametrize("way", ["store", "service"])
def test_items_come_change_and_go(shop: tuple[Server, Path], run: Run, tmp_path: Path, way: str) -> None:
    server, database = shop
    there = ("--database", database) if way == "store" else ("--url", server.address, "--api-key", "secret-of-the-shop")
    rows = {"sku": [f"{way}-1", f"{way}-2"], "name": ["Thing 3 <b>&</b> co", "Thing 9 <b>&</b> co"],
            "price": [2.5, None], "in_stock": ["yes", "no"], "grams": [3, 4]}  # fmt: skip
    pa_csv.write_csv(pa.table(rows), tmp_path / "new.csv")
    code, text, _ = run("items", "add", tmp_path / "new.csv", *there, "--catalog-map", "item_id=sku")
    assert (code, text.strip()) == (0, "2 items added or changed")
    found = until(lambda: item(server, f"{way}-2"))
    assert (found["title"], found["price"], found["available"]) == ("Thing 9 <b>&</b> co", None, False)
    assert item(server, f"{way}-1")["price"] == 2.5  # type: ignore[index]

    assert run("items", "set", f"{way}-1", "--price", 4, "--sold-out", "--attribute", "color=red", *there)[0] == 0
    until(lambda: item(server, f"{way}-1") == item(server, f"{way}-1") | {"price": 4, "available": False})

    assert run("items", "add", "--id", f"{way}-3", "--title", "Thing 4", *there)[1].strip() == "1 item added or changed"
    until(lambda: item(server, f"{way}-3"))
    assert run("items", "remove", f"{way}-1", f"{way}-3", *there)[1].strip() == "removed 2"
    until(lambda: item(server, f"{way}-1") is None and item(server, f"{way}-3") is None)
    assert item(server, f"{way}-2")


def test_a_change_of_an_item_that_nobody_knows_makes_none(shop: tuple[Server, Path], run: Run) -> None:
    server, database = shop
    assert run("items", "set", "typo", "--price", 1, "--database", database)[0] == 0
    code, _, error = run(
        "items", "set", "typo", "--price", 1, "--url", server.address, "--api-key", "secret-of-the-shop"
    )
    assert code == 3
    assert "there is no such item" in error
    assert run("items", "add", "--id", "after", "--database", database)[0] == 0
    until(lambda: item(server, "after"))
    assert item(server, "typo") is None


def test_what_changed_is_written_as_a_catalog(shop: tuple[Server, Path], run: Run, tmp_path: Path) -> None:
    _, database = shop
    run(
        "items",
        "add",
        "--id",
        "x",
        "--title",
        "Tea",
        "--category",
        "Food",
        "--attribute",
        "grams=3",
        "--database",
        database,
    )
    run("items", "add", "--id", "y", "--title", "Cup", "--available", "--database", database)
    run("items", "remove", "y", "--database", database)
    out = tmp_path / "out" / "items.parquet"
    code, text, _ = run("items", "export", "--database", database, "--out", out)
    assert code == 0
    catalog = Catalog.read(out)
    assert f"{len(catalog)} items in" in text.replace(",", "")
    rows = {row["item_id"]: row for row in catalog.table.to_pylist()}
    assert (rows["x"]["title"], rows["x"]["category"], rows["x"]["grams"]) == ("Tea", "Food", 3)
    assert rows["y"]["available"] is False
    assert not list(out.parent.glob(".*"))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("add", "--id", "a"), 2, "where the items are"),
        (("add", "--database", "none.db"), 2, "either a file or --id"),
        (("add", "--id", "a", "--database", "none.db"), 10, "there is no event store"),
        (("set", "a", "--price", 1, "--url", "localhost:8080"), 2, "web address"),
        (("set", "a", "--price", 1, "--url", "http://127.0.0.1:9"), 11, "does not answer"),
        (("export",), 2, "where the items are"),
    ],
)
def test_what_cannot_be_done_is_said(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[object, ...], code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    found, _, error = run("items", *words)
    assert found == code
    assert said in error


def test_a_key_does_not_travel_along_a_redirect(run: Run) -> None:
    seen: list[tuple[str, str | None]] = []

    class Sends(BaseHTTPRequestHandler):
        def answer(self) -> None:
            seen.append((self.path, self.headers.get("X-API-Key")))
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/elsewhere")  # type: ignore[attr-defined]
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Sends) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = ("--url", f"http://127.0.0.1:{server.server_port}", "--api-key", "secret-of-the-shop")
        for words in (("remove", "a"), ("set", "a", "--price", 1), ("add", "--id", "a")):
            code, _, error = run("items", *words, *there)
            assert code == 11
            assert "where the API key does not go" in error
        server.shutdown()
    assert len(seen) == 3
    assert "/elsewhere" not in dict(seen)


def test_a_wrong_key_and_a_wrong_fact_are_refused(shop: tuple[Server, Path], run: Run) -> None:
    server, database = shop
    code, _, error = run("items", "remove", "sku-001", "--url", server.address, "--api-key", "wrong")
    assert code == 11
    assert "API key" in error
    code, _, error = run("items", "set", "sku-001", "--database", database)
    assert code == 1
    assert "nothing is to be changed" in error
    code, _, error = run(
        "items",
        "add",
        "--id",
        "a",
        "--attribute",
        "title=x",
        "--url",
        server.address,
        "--api-key",
        "secret-of-the-shop",
    )
    assert code == 3
    assert "title" in error

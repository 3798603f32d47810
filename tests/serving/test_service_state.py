"""API keys, health, figures, logs, and the description of the API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from server import Server, running_server

from shopkeeper.serving.api_keys import read_keys
from waiting import until

OPEN = ["/", "/dashboard", "/healthz", "/readyz", "/openapi.json"]
CLOSED = [
    *("/items", "/items/sku-001", "/items/sku-001/similar", "/users", "/users/c1", "/categories", "/metrics", "/card"),
    *("/dashboard/data", "/nothing", "/static", "/healthz/"),
]


@pytest.fixture(scope="module")
def locked(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("locked")
    (folder / "keys.txt").write_text("# of the shop\nfirst-key\n\n  second-key  \n")
    with running_server(bundle, folder / "shop.db", "--api-key-file", str(folder / "keys.txt")) as server:
        yield server


@pytest.mark.parametrize("path", OPEN)
def test_pages_and_signs_of_life_need_no_key(locked: Server, path: str) -> None:
    assert locked.client.get(path).status_code == 200


@pytest.mark.parametrize("path", CLOSED)
def test_all_else_needs_one(locked: Server, path: str) -> None:
    for headers in ({}, {"X-API-Key": ""}, {"X-API-Key": "first-key "[:-2]}, {"X-API-Key": "# of the shop"}):
        answer = locked.client.get(path, headers=headers)
        assert answer.status_code == 401
        assert "WWW-Authenticate" in answer.headers
    if "nothing" not in path and path not in ("/static", "/healthz/"):
        assert locked.client.get(path, headers={"X-API-Key": "second-key"}).status_code == 200


def test_posting_and_deleting_need_one(locked: Server) -> None:
    event = {"user_id": "c1", "item_id": "sku-001", "event_type": "view"}
    assert locked.client.post("/events", json=event).status_code == 401
    assert locked.client.post("/events", content=b"x" * (1 << 21)).status_code == 401
    assert locked.client.post("/recommendations", json={}).status_code == 401
    assert locked.client.delete("/users/c1").status_code == 401
    assert locked.client.post("/items", json={"item_id": "new"}).status_code == 401
    assert locked.client.patch("/items/sku-001", json={"price": 1}).status_code == 401
    assert locked.client.delete("/items/sku-001").status_code == 401
    assert locked.client.post("/events", json=event, headers={"X-API-Key": "first-key"}).status_code == 200


def test_the_description_names_the_key(locked: Server, server: Server) -> None:
    described = locked.client.get("/openapi.json").json()
    assert described["components"]["securitySchemes"]["key"]["name"] == "X-API-Key"
    assert described["paths"]["/events"]["post"]["security"] == [{"key": []}]
    assert described["paths"]["/healthz"]["get"]["security"] == []
    assert "securitySchemes" not in server.client.get("/openapi.json").json()["components"]


def test_keys_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("# none\n\n")
    for name in ("empty", "missing"):
        with pytest.raises(Exception, match=name):
            read_keys(tmp_path / name)


def test_the_description_is_of_this_shop(server: Server) -> None:
    described = server.client.get("/openapi.json").json()
    schemas = described["components"]["schemas"]
    assert schemas["EventIn"]["properties"]["item_id"]["anyOf"] == [
        {"type": "string", "minLength": 1, "maxLength": 512, "pattern": "^[^\\u0000]*$"}
    ]
    assert schemas["RecommendationsIn"]["properties"]["k"]["maximum"] == 100
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], (path, method)
            if method == "post":
                content = operation["requestBody"]["content"]["application/json"]
                assert content["examples"]
                for example in content["examples"].values():
                    status = server.client.post(path, json=example["value"]).status_code
                    assert status == (404 if path == "/predictions" else 200), "no predictor in this bundle"


def test_it_lives_and_is_ready(server: Server) -> None:
    assert server.client.get("/healthz").json() == {"status": "ok"}
    ready = server.client.get("/readyz").json()
    assert ready["ready"] is True
    assert ready["refused"] is None
    assert (ready["bundle"]["items"] - ready["new_items"], ready["bundle"]["users"]) == (12, 80)
    assert ready["worker"] == server.client.get("/healthz").headers["X-Worker"] == str(server.process.pid)
    assert server.client.get("/card").json()["model"] == "Transitions"


def value(server: Server, line: str) -> float:
    found = re.search(rf"^{re.escape(line)} (\S+)$", server.client.get("/metrics").text, re.MULTILINE)
    return 0.0 if found is None else float(found[1])


def test_figures_count_what_happens(server: Server) -> None:
    lines = {
        'shopkeeper_requests_total{method="POST",route="/events",status="200"}': 3,
        'shopkeeper_requests_total{method="POST",route="/events",status="422"}': 1,
        'shopkeeper_requests_total{method="GET",route="/items/{id:id}",status="200"}': 1,
        'shopkeeper_requests_total{method="GET",route="(unmatched)",status="404"}': 1,
        'shopkeeper_events_total{event_type="cart"}': 1,
        "shopkeeper_duplicate_events_total": 1,
        "shopkeeper_unknown_item_events_total": 1,
        'shopkeeper_recommended_items_total{source="MostPopular"}': 7,
        "shopkeeper_fallback_items_total": 7,
        'shopkeeper_batch_size_count{work="events"}': 3,
        'shopkeeper_request_seconds_count{route="/recommendations"}': 1,
    }
    before = {line: value(server, line) for line in lines}
    server.post_event("counted", "sku-001", "cart", event_id="counted-1")
    server.post_event("counted", "sku-001", "cart", event_id="counted-1")
    server.post_event("counted", "sku-nothing")
    server.client.post("/events", json={})
    server.client.get("/items/sku-001")
    server.client.get("/a-path-of-somebody")
    server.recommend("nobody", k=7)
    assert {line: value(server, line) - before[line] for line in lines} == lines
    assert value(server, "process_resident_memory_bytes") > 10_000_000
    assert "a-path-of-somebody" not in server.client.get("/metrics").text


def test_every_request_is_a_line_of_json_without_ids_of_shoppers(server: Server) -> None:
    server.client.get("/users/somebody-private", headers={"X-Request-ID": "look-for-me"})
    (line,) = until(lambda: [line for line in server.logs() if line.get("request_id") == "look-for-me"])
    assert (line["method"], line["route"], line["status"]) == ("GET", "/users/{id:id}", 200)
    assert line["milliseconds"] > 0
    assert line["time"].endswith("+00:00")
    assert "somebody-private" not in "".join(server.lines)

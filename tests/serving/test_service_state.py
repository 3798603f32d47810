"""Keys of a service that runs, health, figures, logs, and the description of the API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from server import Server, each_worker, running_server

from shopkeeper.serving.access.keys import KeyScope, create_key, revoke_key
from waiting import until

OPEN = ["/", "/dashboard", "/healthz", "/readyz", "/openapi.json"]
CLOSED = [
    *("/items", "/items/sku-001", "/items/sku-001/similar", "/users", "/users/c1", "/categories", "/metrics", "/card"),
    *("/dashboard/data", "/nothing", "/static", "/healthz/"),
]


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("locked") / "keys.txt"
    file.write_text("# of the shop\nfirst-key-of-all\n\n  second-key-of-all  \n")
    return file


@pytest.fixture(scope="module")
def locked(bundle: Path, key_file: Path) -> Iterator[Server]:
    """Two workers that ask for a key."""
    keys = ("--api-key-file", str(key_file), "--workers", "2")
    with running_server(bundle, key_file.with_name("shop.db"), *keys) as server:
        yield server


@pytest.mark.parametrize("path", OPEN)
def test_pages_and_signs_of_life_need_no_key(locked: Server, path: str) -> None:
    assert locked.client.get(path).status_code == 200


@pytest.mark.parametrize("path", CLOSED)
def test_all_else_needs_one(locked: Server, path: str) -> None:
    for headers in ({}, {"X-API-Key": ""}, {"X-API-Key": "first-key-of-al"}, {"X-API-Key": "# of the shop"}):
        answer = locked.client.get(path, headers=headers)
        assert answer.status_code == 401
        assert "WWW-Authenticate" in answer.headers
    if "nothing" not in path and path not in ("/static", "/healthz/"):
        assert locked.client.get(path, headers={"X-API-Key": "second-key-of-all"}).status_code == 200


def test_posting_and_deleting_need_one(locked: Server) -> None:
    event = {"user_id": "c1", "item_id": "sku-001", "event_type": "view"}
    assert locked.client.post("/events", json=event).status_code == 401
    assert locked.client.post("/events", content=b"x" * (1 << 21)).status_code == 401
    assert locked.client.post("/recommendations", json={}).status_code == 401
    assert locked.client.delete("/users/c1").status_code == 401
    assert locked.client.post("/items", json={"item_id": "new"}).status_code == 401
    assert locked.client.patch("/items/sku-001", json={"price": 1}).status_code == 401
    assert locked.client.delete("/items/sku-001").status_code == 401
    assert locked.client.post("/events", json=event, headers={"X-API-Key": "first-key-of-all"}).status_code == 200


def test_the_description_names_the_key(locked: Server, server: Server) -> None:
    described = locked.client.get("/openapi.json").json()
    assert described["components"]["securitySchemes"]["key"]["name"] == "X-API-Key"
    assert described["paths"]["/events"]["post"]["security"] == [{"key": []}, {"bearer": []}]
    assert described["paths"]["/healthz"]["get"]["security"] == []
    assert "securitySchemes" not in server.client.get("/openapi.json").json()["components"]


def test_every_worker_follows_the_keys_and_the_log_names_them(locked: Server, key_file: Path) -> None:
    created = create_key(key_file, "till-tomorrow", frozenset({KeyScope.RECOMMEND}))
    with_key = {"Authorization": f"Bearer {created.secret}", "X-Request-ID": "named"}
    with each_worker(locked) as clients:
        for client in clients:
            until(lambda client=client: client.get("/items", headers=with_key).status_code == 200)
        revoke_key(key_file, "till-tomorrow")
        for client in clients:
            until(lambda client=client: client.get("/items", headers=with_key).status_code == 401)
    lines = until(
        lambda: [line for line in locked.logs() if line.get("request_id") == "named" and line.get("status") == 200]
    )
    assert {line["key"] for line in lines} == {"till-tomorrow"}
    assert created.secret not in "".join(locked.lines)


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

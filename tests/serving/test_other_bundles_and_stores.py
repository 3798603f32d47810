"""The service with a network, with integer ids, on PostgreSQL, and while its database is away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from server import SASREC, Server, log_bundle, running_server, shop_bundle

from postgres import database
from shopkeeper.config import build
from shopkeeper.jobs.settings import ShopSettings
from waiting import until


def first_of(server: Server, user: Any) -> Any:
    return server.recommend(user, k=1)["items"][0]["item_id"]


@pytest.mark.slow
def test_a_network_scores_the_fresh_history(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    bundle = shop_bundle(tmp_path / "bundle", "sasrec", epochs=40)
    with running_server(bundle, tmp_path / "shop.db") as server:
        for place in (1, 2, 3, 4):
            server.post_event("walker", f"sku-{place:03d}", "purchase")
            answer = server.recommend("walker", k=3, explain=True)
            assert "SASRec" in answer["model"]
            assert answer["items"][0]["item_id"] == f"sku-{place + 1:03d}"
            assert answer["items"][0]["reason"]["item_ids"][0] == f"sku-{place:03d}"
        assert server.client.get("/items/sku-003/similar?k=2").json()["items"]


def log_with_placements() -> pa.Table:
    """Items at random, each event in the place that the next item is named after."""
    generator = np.random.default_rng(0)
    items = generator.integers(0, 6, (100, 9))
    start = 1_740_000_000 + generator.integers(0, 10**6, 100)
    return pa.table(
        {
            "user_id": np.repeat(np.arange(100), 8).astype(str),
            "item_id": np.char.add("item-", items[:, :-1].ravel().astype(str)),
            "event_type": ["view"] * 800,
            "timestamp": (start[:, None] + np.arange(8)).ravel(),
            "placement": np.char.add("before-", items[:, 1:].ravel().astype(str)),
        }
    )


@pytest.mark.slow
def test_a_network_reads_where_events_happened(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    reads = SASREC | {"read_placements": True, "repeats": False, "embedding_dropout": 0.0, "dropout": 0.0}
    training = {"epochs": 40, "device": "cpu", "batch_targets": 64, "optimizer": {"learning_rate": 0.02}}
    settings = build(ShopSettings, {"training": training, "models": {"sasrec": reads}})
    bundle = log_bundle(tmp_path / "bundle", log_with_placements(), "sasrec", settings)
    with running_server(bundle, tmp_path / "shop.db") as server:
        for place in range(6):
            where = {"event_type": "view", "placement": f"before-{place}"}
            asked = {"k": 1, "filters": {"hide_seen": False}}
            given = server.recommend(None, history=[{"item_id": "item-2"} | where], **asked)
            server.post_event(f"new-{place}", "item-2", **where)
            known = server.recommend(f"new-{place}", **asked)
            assert [answer["items"][0]["item_id"] for answer in (given, known)] == [f"item-{place}"] * 2
        assert server.recommend(None, history=[{"item_id": "item-2", "placement": "nowhere"}, "item-3"])["items"]


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose ids are integers, some of them large or negative."""
    users = [user for user in range(-5, 25) for _ in range(8)]
    items = [2**62 + (user + step) % 10 for user in range(-5, 25) for step in range(8)]
    log = {"user_id": users, "item_id": items, "timestamp": [1_740_000_000 + place for place in range(len(users))]}
    table = pa.table(log | {"event_type": ["view"] * len(users)})
    return log_bundle(tmp_path_factory.mktemp("numbers") / "bundle", table)


def test_integer_ids_stay_integers(numbers: Path, tmp_path: Path) -> None:
    with running_server(numbers, tmp_path / "shop.db") as server:
        server.post_event(-3, 2**62 + 4)
        assert first_of(server, -3) == 2**62 + 5
        assert server.client.get("/users/-3?limit=1").json()["events"][0]["item_id"] == 2**62 + 4
        assert server.client.get(f"/items/{2**62}").json()["item_id"] == 2**62
        assert server.client.delete("/users/-3").json() == {"user_id": -3, "events": 1, "answers": 1}
        for wrong in ("seven", "1.0", "1_0", " 7", "٣", "9" * 19, "9" * 5000, "0x7", "+7"):
            assert server.client.get(f"/users/{wrong}").status_code == 422, wrong
            assert server.client.get(f"/items/{wrong}").status_code == 422, wrong
        for body in (
            {"user_id": "7", "item_id": 2**62},
            {"user_id": 7, "item_id": "7"},
            {"user_id": True, "item_id": 7},
        ):
            assert server.client.post("/events", json=body | {"event_type": "view"}).status_code == 422
        described = server.client.get("/openapi.json").json()["components"]["schemas"]["EventIn"]["properties"]
        assert [kind["type"] for kind in described["user_id"]["anyOf"]] == ["integer"]


@pytest.mark.postgres
def test_postgresql_keeps_events_and_two_workers_share_them(bundle: Path) -> None:
    address = database()
    with running_server(bundle, address, "--workers", "2") as server:
        for step in range(20):
            user = f"pg-{step}"
            answer = server.post_event(user, "sku-002", event_id=f"pg-event-{step}")
            assert answer["accepted"] == 1
        until(lambda: all(first_of(server, f"pg-{step}") == "sku-003" for step in range(20)))
    with running_server(bundle, address) as server:
        assert first_of(server, "pg-0") == "sku-003"
        assert server.post_event("pg-0", "sku-002", event_id="pg-event-0")["duplicates"] == 1
        assert server.client.delete("/users/pg-0").json()["events"] == 1


@pytest.mark.postgres
def test_while_the_database_is_away_answers_go_on_and_events_are_refused(bundle: Path) -> None:
    import psycopg

    address = database()
    root, name = address.rsplit("/", 1)
    with running_server(bundle, address) as server, psycopg.connect(f"{root}/postgres", autocommit=True) as control:
        server.post_event("steady", "sku-002", event_id="before")
        control.execute(f"alter database {name} allow_connections false")
        control.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
        refused = server.client.post("/events", json={"user_id": "a", "item_id": "sku-001", "event_type": "view"})
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "1"
        assert name not in refused.text
        assert first_of(server, "steady") == "sku-003"
        assert server.client.get("/healthz").status_code == 200
        ready = server.client.get("/readyz")
        assert (ready.status_code, ready.json()["store"]) == (503, "away")
        assert server.client.delete("/users/steady").status_code == 503
        control.execute(f"alter database {name} allow_connections true")
        until(lambda: server.client.get("/readyz").status_code == 200)
        assert server.post_event("steady", "sku-003", event_id="after")["accepted"] == 1
        assert first_of(server, "steady") == "sku-004"
        assert "Traceback" not in "".join(server.lines)

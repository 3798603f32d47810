"""An older backup of the event store is put back: nothing that is acknowledged afterwards is passed over."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.serving.app import create_app
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.settings import ServiceSettings
from shopkeeper.types import Id
from waiting import until


def event(event_id: str, user: Id, item: str = "sku-002") -> dict[str, Any]:
    return {"event_id": event_id, "user_id": user, "item_id": item, "event_type": "view"}


def copied(database: Path, to: Path) -> Path:
    """A copy as an operator makes it with the tools of SQLite."""
    source, target = sqlite3.connect(database), sqlite3.connect(to)
    source.backup(target)
    source.close()
    target.close()
    return to


def put_back(backup: Path, database: Path) -> None:
    for left in ("-wal", "-shm"):
        database.with_name(database.name + left).unlink(missing_ok=True)
    shutil.copyfile(backup, database.with_name("new"))
    database.with_name("new").replace(database)


def client_of(bundle: Path, database: Path) -> TestClient:
    return TestClient(
        create_app(bundle, ServiceSettings(database=str(database), tail_seconds=0.02, reload_seconds=0.05)),
        base_url="http://localhost",
    )


def items_of(client: TestClient, user: Id) -> list[str]:
    return [one["item_id"] for one in client.get(f"/users/{user}").json()["events"]]


def moved_on(bundle: Path, store: EventStore, out: Path) -> Path:
    """The bundle as if it had been made of all that the store holds now."""
    loaded = Bundle.load(bundle)
    replace(loaded, card=loaded.card.replace(store=store.mark())).save(out)
    return out


@pytest.fixture
def database(bundle: Path, tmp_path: Path) -> Iterator[Path]:
    """A store with two events; `old.db` is its backup; then ten more came, and a user was forgotten."""
    database = tmp_path / "shop.db"
    with client_of(bundle, database) as client:
        client.post("/events", json=[event("a1", "ann"), event("b1", "bob")])
        copied(database, tmp_path / "old.db")
        client.post("/events", json=[event(f"later-{n}", f"later-{n}") for n in range(10)])
        assert client.delete("/users/c1").status_code == 200
    yield database


def open_store(database: Path) -> EventStore:
    return EventStore.open(database)


def test_events_and_deletions_after_a_backup_was_put_back_count(bundle: Path, database: Path, tmp_path: Path) -> None:
    store = open_store(database)
    made = moved_on(bundle, store, tmp_path / "made")
    store.close()
    put_back(tmp_path / "old.db", database)
    with client_of(made, database) as client:
        assert items_of(client, "ann") == ["sku-002"]
        assert client.post("/events", json=[event("n1", "new"), event("b2", "bob", "sku-003")]).json()["accepted"] == 2
        assert (items_of(client, "new"), items_of(client, "bob")) == (["sku-002"], ["sku-003", "sku-002"])
        assert items_of(client, "c7")
        assert client.delete("/users/c7").json()["events"] == 0
        assert not client.get("/users/c7").json()["known"]


def test_what_the_bundle_and_a_restored_store_hold_counts_once(bundle: Path, database: Path, tmp_path: Path) -> None:
    log = Bundle.load(bundle).pipeline.memory
    user, first = log.users.ids([1])[0], log.histories.slice(0, 1)
    same = {"item_id": log.items.ids(first.item_index[:1])[0], "timestamp": int(first.timestamp[0]) / 1e6}
    store = open_store(database)
    made = moved_on(bundle, store, tmp_path / "made")
    store.close()
    put_back(tmp_path / "old.db", database)
    with client_of(made, database) as client:
        before = items_of(client, user)
        client.post("/events", json={"event_id": "same", "user_id": user, "event_type": "purchase"} | same)
        assert items_of(client, user) == before
        client.post("/events", json=event("other", user, "sku-009"))
        assert items_of(client, user) == ["sku-009", *before]


def test_numbers_that_were_reached_again_do_not_hide_it(bundle: Path, database: Path, tmp_path: Path) -> None:
    store = open_store(database)
    made = moved_on(bundle, store, tmp_path / "made")
    store.close()
    put_back(tmp_path / "old.db", database)
    with client_of(bundle, database) as client:  # an older bundle, which knows nothing of the store
        client.post("/events", json=[event(f"anew-{n}", f"anew-{n}") for n in range(30)])
    with client_of(made, database) as client:
        assert items_of(client, "anew-3") == ["sku-002"]


def test_a_bundle_from_the_future_that_is_put_in_place_counts_all(bundle: Path, database: Path, tmp_path: Path) -> None:
    store = open_store(database)
    made = moved_on(bundle, store, tmp_path / "made")
    store.close()
    put_back(tmp_path / "old.db", database)
    served = tmp_path / "served"
    shutil.copytree(bundle, served)
    with client_of(served, database) as client:
        client.post("/events", json=event("n1", "new"))
        before = client.get("/readyz").json()["bundle"]["bundle"]
        Bundle.load(made).save(served)
        until(lambda: client.get("/readyz").json()["bundle"]["bundle"] != before)
        assert items_of(client, "new") == ["sku-002"]
        client.post("/events", json=event("n2", "new", "sku-003"))
        assert items_of(client, "new") == ["sku-003", "sku-002"]


def test_a_file_that_is_replaced_under_the_running_service_is_read_anew(
    bundle: Path, database: Path, tmp_path: Path
) -> None:
    with client_of(bundle, database) as client:
        assert items_of(client, "later-1")
        put_back(tmp_path / "old.db", database)
        assert client.post("/events", json=event("n1", "new")).status_code == 200
        assert items_of(client, "new") == ["sku-002"]
        assert items_of(client, "later-1") == []
        assert client.delete("/users/new").json()["events"] == 1
        assert items_of(client, "new") == []
    store = open_store(database)
    assert [stored.event.event_id for stored in store.after(0, 100)] == ["a1", "b1"]
    store.close()


def test_a_file_that_is_gone_is_not_written_on(bundle: Path, database: Path) -> None:
    with client_of(bundle, database) as client:
        kept = database.with_name("elsewhere")
        database.rename(kept)
        assert client.post("/events", json=event("n1", "new")).status_code == 503
        kept.rename(database)
        assert client.post("/events", json=event("n1", "new")).status_code == 200

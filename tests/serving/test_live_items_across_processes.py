"""Changed items outlive a restart, reach the other worker and the next bundle, and are not forgotten by either."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from server import each_worker, running_server, shop_bundle

from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.pipeline.card import StorePosition
from shopkeeper.serving.event_store.item_changes import REMOVED, ItemChange, ItemChanges
from shopkeeper.serving.event_store.records import IdKinds
from shopkeeper.serving.event_store.store import EventStore
from waiting import until

IDS = IdKinds(user_integer=False, item_integer=False)
OFTEN = ("--set", "service.reload_seconds=0.1")
NEW = {"item_id": "new", "title": "Thing 3 <b>&</b> co", "category": "Garden > Tools", "price": 2.5}


def out(client: httpx.Client, *history: str, **more: Any) -> list[str]:
    answer = client.post("/recommendations", json={"history": list(history), "k": 30} | more)
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shop.db'}"
    from postgres import database

    return database()


def test_a_restart_forgets_nothing(bundle: Path, address: str) -> None:
    with running_server(bundle, address) as server:
        server.post_event("early", "new")
        assert server.client.post("/items", json=NEW).status_code == 200
        assert server.client.patch("/items/sku-003", json={"available": False}).status_code == 200
        assert server.client.delete("/items/sku-005").status_code == 200
        before = out(server.client, "sku-002")
    with running_server(bundle, address) as server:
        assert out(server.client, "sku-002") == before
        assert "new" in before
        assert {"sku-003", "sku-005"}.isdisjoint(before)
        assert server.client.get("/users/early").json()["events"][0]["item_id"] == "new"
        assert server.client.get("/items/new").json()["price"] == 2.5


def test_the_other_worker_follows(bundle: Path, address: str) -> None:
    with running_server(bundle, address, "--workers", "2") as server, each_worker(server) as pair:
        for step in range(5):
            one, other = pair if step % 2 else pair[::-1]
            item = f"new-{step}"
            assert one.post("/items", json=NEW | {"item_id": item}).status_code == 200
            follows(one, other, item, there=True)
            assert one.delete(f"/items/{item}").status_code == 200
            follows(one, other, item, there=False)


def follows(one: httpx.Client, other: httpx.Client, item: str, there: bool) -> None:
    """Both know soon: which of them answers a connection that was idle for long is chance."""
    until(lambda: (item in out(one, "sku-002")) == there)
    until(lambda: (item in out(other, "sku-002")) == there)


def test_what_both_workers_get_at_once_is_all_there(bundle: Path, address: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with running_server(bundle, address, "--workers", "2") as server, each_worker(server) as clients:

        def post(place: int) -> int:
            with httpx.Client(base_url=server.address, timeout=30) as client:
                return client.post("/items", json=NEW | {"item_id": f"n{place}"}).status_code

        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(post, range(40))) == {200}
        for client in clients:
            until(lambda client=client: client.get("/readyz").json()["new_items"] == 40)


def test_a_new_bundle_keeps_what_it_does_not_know(bundle: Path, tmp_path: Path) -> None:
    served = tmp_path / "bundle"
    Bundle.load(bundle, mapped=False).save(served)
    with running_server(served, tmp_path / "shop.db", *OFTEN) as server:
        server.client.post("/items", json=[NEW, {"item_id": "sku-013", "title": "Thing 12", "price": 5}])
        server.post_event("early", "new")
        shop_bundle(tmp_path / "larger", n_items=14)
        Bundle.load(tmp_path / "larger", mapped=False).save(served)
        until(lambda: server.client.get("/readyz").json()["bundle"]["items"] == 15)
        assert server.client.get("/readyz").json()["new_items"] == 1
        assert "new" in out(server.client, "sku-002")
        assert server.client.get("/users/early").json()["events"][0]["item_id"] == "new"
        assert server.client.post("/items", json={"item_id": "sku-013"}).json()["items"][0]["placed"] == "known"
        server.client.post("/items", json=NEW | {"item_id": "newer"})
        assert {"new", "newer"} < set(out(server.client, "sku-002"))


@pytest.mark.parametrize("read", [True, False])
def test_facts_of_a_later_bundle_are_not_overruled_by_earlier_changes(bundle: Path, tmp_path: Path, read: bool) -> None:
    """Whether the bundle tells how many changes it has read, or only when it was made."""
    store = EventStore.open(tmp_path / "shop.db", IDS)
    now = datetime.now(UTC)
    before, after = (int((now + timedelta(seconds=by)).timestamp() * 1e6) for by in (-3600, 3600))
    changes = ItemChanges(store)
    changes.add(
        [
            ItemChange("sku-001", before, {"price": 99.0, "brand": "Ours"}),
            ItemChange("sku-002", before, {REMOVED: True}),
            ItemChange("sku-003", before, {"price": 99.0, REMOVED: False}),
        ]
    )
    seen = store.position()
    changes.add([ItemChange("sku-003", after, {"price": 77.0}), ItemChange("sku-004", after, {"available": False})])
    loaded = Bundle.load(bundle, mapped=False)
    position = seen if read else StorePosition(store_id="another", sequence=0)
    made = (now if not read else now + timedelta(days=1)).isoformat(timespec="seconds")
    later = replace(loaded, card=loaded.card.replace(store=position, created_at=made))
    store.close()
    later.save(tmp_path / "bundle")
    with running_server(tmp_path / "bundle", tmp_path / "shop.db") as server:
        first = server.client.get("/items/sku-001").json()
        assert (first["price"], first["brand"]) == (2.0, "Ours")
        assert server.client.get("/items/sku-002").status_code == 404
        assert server.client.get("/items/sku-003").json()["price"] == 77
        assert server.client.get("/items/sku-004").json()["available"] is False


def test_a_bundle_without_an_encoder_places_by_category(bundle: Path, tmp_path: Path) -> None:
    loaded = Bundle.load(bundle, mapped=False)
    card = loaded.card.replace(newcomers={"encoder": None, "reason": "it is off"})
    replace(loaded, card=card, encoder=None).save(tmp_path / "bundle")
    with running_server(tmp_path / "bundle", tmp_path / "shop.db") as server:
        (placed,) = server.client.post("/items", json=NEW).json()["items"]
        assert (placed["placed"], placed["like"]) == ("category", [])
        assert "it is off" in placed["note"]
        assert "new" in out(server.client, "sku-002")
        (bare,) = server.client.post("/items", json={"item_id": "bare", "title": "Thing 3"}).json()["items"]
        assert bare["placed"] == "nothing"
        assert "bare" in out(server.client, "sku-002")
        assert "bare" in out(server.client)

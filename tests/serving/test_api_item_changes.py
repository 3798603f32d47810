"""Goods that come, change and go over HTTP: what an answer says when the request before it was answered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from server import Server, running_server

NEW = {"item_id": "new", "title": "Thing 3 <b>&</b> co", "category": "Garden > Tools", "price": 2.5}


@pytest.fixture
def shop(bundle: Path, tmp_path: Path) -> Iterator[Server]:
    """A server of its own for a test that changes items."""
    with running_server(bundle, tmp_path / "shop.db", "--set", "service.tail_seconds=60") as server:
        yield server


def post(server: Server, *items: dict[str, Any]) -> list[dict[str, Any]]:
    answer = server.client.post("/items", json=items[0] if len(items) == 1 else list(items))
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in answer["items"]]


def after(server: Server, *history: str, **more: Any) -> list[str]:
    """What comes out for a history."""
    return ids(server.recommend(None, history=list(history), k=30, **more))


def test_a_new_item_comes_out_where_those_like_it_do(shop: Server) -> None:
    assert "new" not in after(shop, "sku-002")
    (posted,) = post(shop, NEW)
    assert (posted["item_id"], posted["new"], posted["placed"], posted["note"]) == ("new", True, "text", None)
    assert posted["like"][0] == "sku-003"
    found = after(shop, "sku-002")
    assert found[0] == "sku-003"
    assert found.index("new") < 5
    assert after(shop, "new")[0] == "sku-004"
    item = shop.client.get("/items/new").json()
    assert item == NEW | {"brand": None, "currency": None, "available": True, "image": None}
    assert "new" in ids(shop.client.get("/items", params={"query": "thing 3"}).json())
    assert ids(shop.client.get("/items", params={"limit": 100}).json())[-1] == "new"
    assert len(ids(shop.client.get("/questionnaire", params={"n": 100}).json())) == 12
    similar = shop.client.get("/items/new/similar", params={"k": 30}).json()
    assert "new" not in ids(similar)
    assert similar["items"]
    assert "new" in ids(shop.client.get("/items/sku-002/similar", params={"k": 30}).json())
    ready = shop.client.get("/readyz").json()
    assert (ready["new_items"], ready["removed_items"], ready["bundle"]["items"]) == (1, 0, 13)


def test_what_has_no_text_stands_in_its_category_and_says_why(shop: Server) -> None:
    pots, nothing = post(shop, {"item_id": "pot", "title": "🎁"}, {"item_id": "bare"})
    assert (pots["placed"], nothing["placed"]) == ("nothing", "nothing")
    assert "letter or a digit" in pots["note"]
    found = after(shop, "sku-002")
    assert {"pot", "bare"} < set(found)
    shop.client.patch("/items/pot", json={"category": "Kitchen > Pots > Copper"})
    assert "pot" in after(shop, "sku-008", filters={"category": "Kitchen"})
    assert "pot" not in after(shop, "sku-008", filters={"category": "Garden"})


def test_price_and_stock_count_at_once(shop: Server) -> None:
    def change(item: str, **facts: Any) -> dict[str, Any]:
        answer = shop.client.patch(f"/items/{item}", json=facts)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    assert after(shop, "sku-002")[0] == "sku-003"
    assert change("sku-003", available=False) == {
        "item_id": "sku-003", "new": False, "placed": "known", "like": [], "note": None,
    }  # fmt: skip
    assert "sku-003" not in after(shop, "sku-002")
    assert after(shop, "sku-002", filters={"available": False})[0] == "sku-003"
    change("sku-003", available=True, price=1000)
    assert after(shop, "sku-002")[0] == "sku-003"
    assert after(shop, "sku-002", filters={"price_min": 999}) == ["sku-003"]
    assert shop.client.get("/items/sku-003").json()["price"] == 1000
    change("sku-003", price=None, title="Another")
    assert shop.client.get("/items/sku-003").json()["price"] is None
    assert ids(shop.client.get("/items", params={"query": "another"}).json()) == ["sku-003"]
    assert post(shop, {"item_id": "sku-003", "price": 7})[0]["placed"] == "known"
    assert shop.client.get("/items/sku-003").json() | {"price": 7} == shop.client.get("/items/sku-003").json()


@pytest.mark.parametrize("item", ["sku-003", "new"])
def test_a_removed_item_comes_out_no_more_and_stays_in_histories(shop: Server, item: str) -> None:
    post(shop, NEW)
    shop.post_event("ann", item)
    shop.post_event("ann", "sku-002")
    answer = shop.client.delete(f"/items/{item}")
    assert answer.json() == {"item_id": item, "removed": True}
    assert item not in after(shop, "sku-002", filters={"available": False})
    assert item not in ids(shop.client.get("/items/sku-002/similar", params={"k": 30}).json())
    assert item not in ids(shop.client.get("/items", params={"limit": 100}).json())
    for asked in ("", "/similar"):
        assert shop.client.get(f"/items/{item}{asked}").status_code == 404
    assert shop.client.patch(f"/items/{item}", json={"price": 1}).status_code == 404
    assert shop.client.delete(f"/items/{item}").status_code == 404
    assert item in [event["item_id"] for event in shop.client.get("/users/ann").json()["events"]]
    assert shop.recommend("ann")["items"]
    post(shop, {"item_id": item})
    assert item in after(shop, "sku-002")
    assert shop.client.get(f"/items/{item}").json()["title"] == NEW["title"]


def test_events_of_a_new_item_count_also_those_from_before(shop: Server) -> None:
    assert shop.post_event("early", "new")["unknown_items"] == 1
    assert shop.client.get("/users/early").json()["events"] == []
    post(shop, NEW)
    assert [event["item_id"] for event in shop.client.get("/users/early").json()["events"]] == ["new"]
    assert shop.recommend("early", k=1)["items"][0]["item_id"] == "sku-004"
    assert shop.post_event("late", "new")["unknown_items"] == 0
    assert shop.recommend("late", k=1)["items"][0]["item_id"] == "sku-004"
    assert shop.recommend("late", explain=True)["items"][0]["reason"]["item_ids"] == ["new"]


def test_an_unknown_item_cannot_be_changed_or_removed(shop: Server) -> None:
    for answer in (shop.client.patch("/items/none", json={"price": 1}), shop.client.delete("/items/none")):
        assert answer.status_code == 404
        assert answer.json()["error"]["problem"] == "there is no such item"
    for method in ("PATCH", "DELETE"):
        answer = shop.client.request(method, "/items/sku-001/similar", json={"price": 1})
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({}, "item_id"),
        ({"item_id": 7}, "item_id"),
        ({"item_id": "a", "price": -1}, "price"),
        ({"item_id": "a", "price": "cheap"}, "price"),
        ({"item_id": "a", "colour": "red"}, "colour"),
        ({"item_id": "a", "attributes": {"title": "x"}}, "title"),
        ({"item_id": "a", "attributes": {"removed": True}}, "removed"),
        ({"item_id": "a", "attributes": {"a\0b": True}}, "NUL"),
    ],
)
def test_a_wrong_item_is_refused_with_its_whole_request(server: Server, item: dict[str, Any], said: str) -> None:
    for body in (item, [{"item_id": "good"}, item]):
        answer = server.client.post("/items", json=body)
        assert answer.status_code == 422
        assert said in answer.text
    assert server.client.get("/items/good").status_code == 404
    assert server.client.post("/items", json=[{"item_id": str(place)} for place in range(501)]).status_code == 422
    assert server.client.patch("/items/sku-001", json={}).status_code == 422


def test_attributes_and_texts_are_kept_as_the_catalog_writes_them(shop: Server) -> None:
    post(
        shop,
        {"item_id": "a", "title": "  Tea  ", "brand": "nan", "category": "Food | Tea", "attributes": {"organic": True}},
        {"item_id": "b", "attributes": {"organic": "yes", "grams": 12}},
    )
    post(shop, {"item_id": "c", "attributes": {"grams": "many", "organic": 3}}, {"item_id": "d", "price": 1})
    found = shop.client.get("/items/a").json()
    assert (found["title"], found["brand"], found["category"]) == ("Tea", None, "Food > Tea")
    categories = {one["category"]: one["items"] for one in shop.client.get("/categories").json()["categories"]}
    assert categories["Food > Tea"] == 1
    shop.client.delete("/items/a")
    assert "Food" not in {
        one["category"] for one in shop.client.get("/categories").json()["categories"] if one["items"]
    }


def test_many_at_once_are_all_there(shop: Server) -> None:
    many = [{"item_id": f"many-{place}", "title": f"Thing {place} <b>&</b> co"} for place in range(200)]
    assert {one["placed"] for one in post(shop, *many)} == {"text"}
    assert shop.client.get("/readyz").json()["new_items"] == 200
    assert len([item for item in after(shop, "sku-002") if item.startswith("many")]) > 5


def test_the_store_that_is_away_refuses_and_nothing_changes(bundle: Path, tmp_path: Path) -> None:
    import sqlite3

    with running_server(bundle, tmp_path / "shop.db") as server:
        with sqlite3.connect(tmp_path / "shop.db") as connection:
            connection.execute("ALTER TABLE item_changes RENAME TO gone")
        connection.close()
        assert server.client.post("/items", json=NEW).status_code == 503
        assert "new" not in after(server, "sku-002")
        with sqlite3.connect(tmp_path / "shop.db") as connection:
            connection.execute("ALTER TABLE gone RENAME TO item_changes")
        connection.close()
        post(server, NEW)
        assert "new" in after(server, "sku-002")

"""The catalog, shoppers, and forgetting them."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from server import Server, running_server


def test_items_are_found_by_words_id_and_category(server: Server) -> None:
    def found(query: str) -> list[str]:
        answer = server.client.get(f"/items?{query}").json()
        return [item["item_id"] for item in answer["items"]]

    assert found("query=thing%2011") == ["sku-011"]
    assert found("query=SKU-011") == []
    assert found("query=sku-011") == ["sku-011"]
    assert set(found("category=Kitchen")) == {f"sku-{place:03d}" for place in range(6, 12)}
    assert found("category=Kitchen&query=thing%203") == []
    assert server.client.get("/items?limit=5&offset=10").json()["total"] == 12
    assert len(found("limit=5&offset=10")) == 2
    assert found("offset=1000000") == []
    pages = [*found("limit=7"), *found("limit=7&offset=7")]
    assert sorted(pages) == [f"sku-{place:03d}" for place in range(12)]


def test_an_item_has_all_its_facts(server: Server) -> None:
    assert server.client.get("/items/sku-004").json() == {
        "item_id": "sku-004", "title": "Thing 4 <b>&</b> co", "category": "Garden > Tools", "brand": None,
        "price": 5.0, "currency": None, "available": True, "image": None,
    }  # fmt: skip


def test_similar_items_are_of_the_same_walk(server: Server) -> None:
    answer = server.client.get("/items/sku-004/similar?k=3").json()
    assert answer["item_id"] == "sku-004"
    assert [item["rank"] for item in answer["items"]] == [1, 2, 3]
    assert {int(item["item_id"][-3:]) // 6 for item in answer["items"]} == {0}
    assert "sku-004" not in [item["item_id"] for item in answer["items"]]
    assert answer["items"][0]["item"]["title"].startswith("Thing")
    assert (answer["kind"], answer["source"], answer["unknown"]) == ("similar", "catalog", {})
    together = server.client.get("/items/sku-004/similar?k=3&kind=together").json()
    assert together["items"][0]["item_id"] == "sku-005"
    assert (together["source"], together["meaning"]) == ("Transitions", "bought by the same users")


def test_similar_items_meet_filters_and_say_what_is_sold_out(server: Server) -> None:
    def similar(query: str) -> list[str]:
        return [one["item_id"] for one in server.client.get(f"/items/sku-004/similar?k=12&{query}").json()["items"]]

    every = similar("")
    assert similar(f"exclude={every[0]},{every[1]}") == similar(f"exclude={every[0]}&exclude={every[1]}") == every[2:]
    assert every[:5] == similar("category=garden/tools") and set(similar("category=kitchen")) == set(every[5:])
    assert set(similar("price_max=3")) == {item for item in every if int(item[-3:]) < 3}
    answer = server.client.get("/items/sku-004/similar?k=1&fields=title,price&exclude=nobody").json()
    assert set(answer["items"][0]["item"]) == {"title", "price"} and answer["unknown"] == {"exclude": ["nobody"]}
    for wrong in ("kind=odd", "category=Boats", "fields=weight", "price_min=3&price_max=2", "k=1&k=2", "exclude="):
        assert server.client.get(f"/items/sku-004/similar?{wrong}").status_code == 422, wrong
    try:
        server.client.patch(f"/items/{every[0]}", json={"available": False})
        assert similar("") == every[1:]
        marked = server.client.get("/items/sku-004/similar?k=12&available=false").json()["items"]
        assert [one["item_id"] for one in marked if not one["item"]["available"]] == [every[0]]
    finally:
        server.client.patch(f"/items/{every[0]}", json={"available": True})


def test_categories_are_counted(server: Server) -> None:
    counted = {one["category"]: one["items"] for one in server.client.get("/categories").json()["categories"]}
    assert counted == {"Garden": 6, "Garden > Tools": 6, "Kitchen": 6, "Kitchen > Pots": 6}


@pytest.mark.parametrize("path", ["/items/nothing", "/items/nothing/similar", "/items/", "/nothing", "/items//"])
def test_what_is_not_there_is_not_found(server: Server, path: str) -> None:
    answer = server.client.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["problem"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "offset=-1", "page=2", "query=%00", "limit=1&limit=2"]
)
def test_a_wrong_query_is_refused_in_words(server: Server, query: str) -> None:
    answer = server.client.get(f"/items?{query}")
    assert answer.status_code == 422
    assert answer.json()["error"]["problem"]


def test_shoppers_to_pick_from(server: Server) -> None:
    users = server.client.get("/users?limit=5").json()["users"]
    assert [user["events"] for user in users] == [10] * 5
    assert [user["user_id"] for user in server.client.get("/users?query=c77").json()["users"]] == ["c77"]
    assert len(server.client.get("/users?query=C7&limit=20").json()["users"]) == 11
    server.post_event("only in the store", "sku-001")
    answer = server.client.get("/users?query=only in the store").json()["users"]
    (found,) = answer
    last_seen = datetime.fromisoformat(found.pop("last_seen"))
    assert found == {"user_id": "only in the store", "events": 1, "category": "Garden > Tools"}
    assert timedelta(0) <= datetime.now(UTC) - last_seen < timedelta(hours=1)
    assert server.client.get("/users?query=nobody").json() == {"users": []}


def test_a_history_has_the_newest_first(server: Server) -> None:
    server.post_event("c9", "sku-005", "cart")
    answer = server.client.get("/users/c9?limit=3").json()
    assert answer["known"] is True
    assert len(answer["events"]) == 3
    assert (answer["events"][0]["item_id"], answer["events"][0]["event_type"]) == ("sku-005", "cart")
    assert answer["events"][0]["item"]["title"] == "Thing 5 <b>&</b> co"
    times = [event["timestamp"] for event in answer["events"]]
    assert times == sorted(times, reverse=True)


def test_a_shopper_who_is_forgotten_leaves_nothing(bundle: Path, tmp_path: Path) -> None:
    with running_server(bundle, tmp_path / "shop.db", "--set", "service.record_seconds=30") as server:
        server.post_event("c7", "sku-003", session_id="secret")
        server.recommend("c7")
        server.recommend("c8")
        assert server.client.delete("/users/c7").json() == {"user_id": "c7", "events": 1, "answers": 1}
        assert server.client.get("/users/c7").json() == {"user_id": "c7", "known": False, "events": []}
        assert server.recommend("c7")["source"] == "MostPopular"
        assert "c7" not in [user["user_id"] for user in server.client.get("/users?query=c7").json()["users"]]
        assert server.client.delete("/users/c7").json()["events"] == 0
        assert server.client.delete("/users/never seen").json()["events"] == 0
        server.post_event("c7", "sku-002")
        assert server.recommend("c7", k=1)["items"][0]["item_id"] == "sku-003"
    with running_server(bundle, tmp_path / "shop.db") as server:
        assert [event["item_id"] for event in server.client.get("/users/c7").json()["events"]] == ["sku-002"]
    for file in tmp_path.glob("shop.db*"):
        assert b"secret" not in file.read_bytes()
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        assert {row[0] for row in connection.execute("select user_id from answers")} >= {"c8"}
    connection.close()


ODD_IDS = [
    "quote\"s and 's",
    "a/b/c",
    "/",
    "été 🛒 红",
    "100%",
    "a b?c#d&e=f+g",
    "line\nbreak",
    "\\",
    "%2F",
    " x ",
]


@pytest.fixture(scope="module")
def odd_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose items and shoppers have the ids above."""
    import pyarrow as pa
    from server import log_bundle

    folder = tmp_path_factory.mktemp("odd")
    rows = [(user, item) for user in ODD_IDS for item in ODD_IDS]
    times = [1_740_000_000 + 60 * place for place in range(len(rows))]
    log = {"user_id": [row[0] for row in rows], "item_id": [row[1] for row in rows], "timestamp": times}
    return log_bundle(folder / "bundle", pa.table(log | {"event_type": ["view"] * len(rows)}))


def test_ids_of_any_writing_come_back_as_they_are(odd_shop: Path, tmp_path: Path) -> None:
    with running_server(odd_shop, tmp_path / "shop.db") as server:
        for one in ODD_IDS:
            path = quote(one, safe="")
            item = server.client.get(f"/items/{path}")
            assert (item.status_code, item.json()["item_id"]) == (200, one)
            similar = server.client.get(f"/items/{path}/similar?k=3").json()
            assert similar["item_id"] == one
            assert {found["item_id"] for found in similar["items"]} <= set(ODD_IDS)
            server.post_event(one, one)
            assert server.client.get(f"/users/{path}?limit=1").json()["events"][0]["item_id"] == one
            assert {found["item_id"] for found in server.recommend(one)["items"]} <= set(ODD_IDS)
            assert server.client.delete(f"/users/{path}").json() == {"user_id": one, "events": 1, "answers": 1}

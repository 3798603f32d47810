"""`POST /recommendations`: the right items, reasons, filters, and what is kept of an answer."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from server import Server, running_server


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in answer["items"]]


def test_a_known_shopper_gets_the_next_items_of_their_walk(server: Server) -> None:
    last = server.client.get("/users/c7?limit=1").json()["events"][0]["item_id"]
    half, place = divmod(int(last[-3:]), 6)
    answer = server.recommend("c7", k=4)
    assert ids(answer)[0] == f"sku-{6 * half + (place + 1) % 6:03d}"
    assert [item["rank"] for item in answer["items"]] == [1, 2, 3, 4]
    assert answer["user_id"] == "c7"
    assert answer["fallback"] == 0
    assert len(answer["bundle"]) == 12
    scores = [item["score"] for item in answer["items"]]
    assert scores == sorted(scores, reverse=True)


def test_a_history_alone_is_enough(server: Server) -> None:
    answer = server.recommend(None, history=["sku-001", "sku-002", "never heard of"], k=3)
    assert ids(answer)[0] == "sku-003"
    assert answer["user_id"] is None
    assert answer["ignored"] == ["never heard of"]


def test_a_history_stands_for_that_of_the_shopper(server: Server) -> None:
    assert ids(server.recommend("c7", history=["sku-001"], k=1)) == ["sku-002"]
    assert server.recommend("c7", history=[], k=1)["items"]


def test_events_of_a_history_are_sorted_by_their_times(server: Server) -> None:
    later = {"item_id": "sku-001", "timestamp": "2025-03-02T00:00:00Z", "event_type": "view"}
    earlier = {"item_id": "sku-008", "timestamp": 1_700_000_000, "event_type": "click"}
    in_order, in_reverse = (
        server.recommend(None, history=[{"item_id": item, "event_type": "view"} for item in items])["items"]
        for items in (["sku-008", "sku-001"], ["sku-001", "sku-008"])
    )
    assert in_order != in_reverse
    assert server.recommend(None, history=[later, earlier])["items"] == in_order
    assert server.recommend(None, history=[earlier, later])["items"] == in_order
    without_time = {"item_id": "sku-001", "event_type": "view"}
    assert server.recommend(None, history=[without_time, earlier])["items"] == in_reverse


def test_nobody_gets_what_is_popular(server: Server) -> None:
    for answer in (
        server.recommend(None),
        server.recommend("nobody"),
        server.client.post("/recommendations", json={}).json(),
    ):
        assert answer["source"] == "MostPopular"
        assert answer["fallback"] == len(answer["items"]) == 10


def test_reasons_and_facts_come_when_they_are_asked_for(server: Server) -> None:
    plain = server.recommend(None, history=["sku-002"], k=2)["items"][0]
    assert set(plain) == {"item_id", "rank", "score", "source"}
    item = server.recommend(None, history=["sku-002"], k=2, explain=True, fields=["title", "price"])["items"][0]
    assert item["item"] == {"title": "Thing 3 <b>&</b> co", "price": 4.0}
    assert item["reason"]["kind"] == "often_next"
    assert item["reason"]["item_ids"] == ["sku-002"]
    assert item["reason"]["text"] == "often next after Thing 2 <b>&</b> co"
    assert 0 < item["reason"]["weight"] <= 1
    popular = server.recommend("nobody", k=1, explain=True)["items"][0]["reason"]
    assert popular == {
        "kind": "popular",
        "text": "popular in the shop",
        "item_ids": [],
        "category": None,
        "weight": 0.0,
    }


def test_filters_are_met(server: Server) -> None:
    def asked(**filters: Any) -> list[str]:
        return ids(server.recommend(None, history=["sku-002"], k=20, filters=filters))

    assert {item[-3:] for item in asked(category="Kitchen")} <= {f"{place:03d}" for place in range(6, 12)}
    assert asked(category="Kitchen > Pots") == asked(category="Kitchen")
    assert set(asked(price_min=3, price_max=4)) <= {"sku-002", "sku-003"}
    assert "sku-002" not in asked(hide_seen=True)
    assert "sku-002" in asked(hide_seen=False)
    for nothing in ({"category": "Kitch"}, {"price_min": 5, "price_max": 4}, {"price_min": 1e6}, {"price_max": 0.5}):
        assert server.client.post("/recommendations", json={"filters": nothing}).status_code == 422


def test_what_lies_in_the_cart_is_shown_only_on_request(server: Server) -> None:
    history = [{"item_id": "sku-003", "event_type": "cart"}, {"item_id": "sku-002", "event_type": "view"}]
    seen = {"hide_seen": False}
    assert "sku-003" not in ids(server.recommend(None, history=history, k=12, filters=seen))
    assert "sku-003" in ids(server.recommend(None, history=history, k=12, filters=seen | {"in_cart": True}))


def test_excluded_items_do_not_come_out(server: Server) -> None:
    answer = server.recommend(None, history=["sku-002"], k=12, exclude=["sku-003", "unheard of"])
    assert "sku-003" not in ids(answer)
    assert "sku-004" in ids(answer)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"k": 0}, "k is not valid"),
        ({"k": 101}, "k is not valid"),
        ({"k": "ten"}, "k is not valid"),
        ({"user_id": 7}, "user_id is not an id of this shop"),
        ({"history": [1]}, "history[0] is not an id of this shop"),
        ({"history": [{"item_id": 1}]}, "history[0].item_id is not an id of this shop"),
        ({"history": [{"item_id": "a", "event_type": "stare"}]}, "history[0].event_type is unknown"),
        ({"history": "sku-001"}, "history is not valid"),
        ({"exclude": [3]}, "exclude[0] is not an id of this shop"),
        ({"fields": ["weight"]}, "fields[0] is not valid"),
        ({"filters": {"colour": "red"}}, "filters is not valid"),
        ({"user": "c7"}, "the request is not valid"),
    ],
)
def test_what_is_wrong_is_said(server: Server, wrong: dict[str, Any], words: str) -> None:
    answer = server.client.post("/recommendations", json={"user_id": "c7"} | wrong)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["problem"].startswith(words)
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


def test_every_answer_is_recorded(bundle: Path, tmp_path: Path) -> None:
    with running_server(bundle, tmp_path / "shop.db", "--set", "service.record_seconds=30") as server:
        answers = [server.recommend(user, k=2, placement="home") for user in ("c1", "c2", None)]
        assert server.stop() == 0
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        rows = connection.execute(
            "select recommendation_id, user_id, placement, model, item_ids, sources, fallback from answers"
        ).fetchall()
    connection.close()
    recorded = {row[0]: row[1:] for row in rows}
    for answer in answers:
        user, placement, model, items, sources, fallback = recorded[answer["recommendation_id"]]
        assert (user, placement, model) == (answer["user_id"], "home", answer["model"])
        assert json.loads(items) == ids(answer)
        assert json.loads(sources) == [item["source"] for item in answer["items"]]
        assert fallback == answer["fallback"]

"""`POST /events`: durable, idempotent, all or nothing, and at once in the next answer."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from server import Server, running_server

VIEW = {"user_id": "new-1", "item_id": "sku-002", "event_type": "view"}


def problem(server: Server, body: Any, status: int = 422) -> dict[str, Any]:
    answer = server.client.post("/events", json=body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()["error"]
    return found


def test_an_event_is_on_the_disk_when_it_is_acknowledged(bundle: Path, tmp_path: Path) -> None:
    with running_server(bundle, tmp_path / "shop.db") as server:
        more = {"price": 1.5, "quantity": 2, "session_id": "s", "placement": "home", "position": 3}
        answer = server.post_event("c1", "sku-001", "purchase", event_id="e-1", timestamp=1_700_000_000.25, **more)
        assert answer == {"accepted": 1, "duplicates": 0, "unknown_items": 0, "event_ids": ["e-1"]}
        server.process.kill()
        server.process.wait()
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        row = connection.execute(
            "select event_id, user_id, item_id, event_type, timestamp, price, quantity, placement, position from events"
        ).fetchall()
    connection.close()
    assert row == [("e-1", "c1", "sku-001", "purchase", 1_700_000_000_250_000, 1.5, 2.0, "home", 3)]


def test_an_event_changes_the_next_answer(server: Server) -> None:
    assert server.recommend("fresh")["source"] == "MostPopular"
    server.post_event("fresh", "sku-002")
    answer = server.recommend("fresh", k=3)
    assert answer["source"] == "Transitions"
    assert answer["items"][0]["item_id"] == "sku-003"
    server.post_event("fresh", "sku-008")
    assert server.recommend("fresh", k=1)["items"][0]["item_id"] == "sku-009"


def test_every_event_of_many_shoppers_is_in_the_next_answer(server: Server) -> None:
    for step in range(60):
        item = step % 12
        half = 6 * (item // 6)
        server.post_event(f"walker-{step}", f"sku-{item:03d}")
        first = server.recommend(f"walker-{step}", k=1)["items"][0]["item_id"]
        assert first == f"sku-{half + (item - half + 1) % 6:03d}"


def test_the_same_event_again_changes_nothing(server: Server) -> None:
    event = VIEW | {"user_id": "twice", "event_id": "once"}
    assert server.client.post("/events", json=event).json()["accepted"] == 1
    again = server.client.post("/events", json=[event, event, event | {"event_id": "other"}]).json()
    assert again == {"accepted": 1, "duplicates": 2, "unknown_items": 0, "event_ids": ["once", "once", "other"]}
    assert len(server.client.get("/users/twice").json()["events"]) == 2


def test_a_list_is_stored_whole_or_not_at_all(server: Server) -> None:
    found = problem(server, [VIEW | {"user_id": "whole"}, VIEW | {"user_id": "whole", "event_type": "veiw"}])
    assert found["problem"] == "[1].event_type is unknown"
    assert "view" in found["expected"]
    assert server.client.get("/users/whole").json() == {"user_id": "whole", "known": False, "events": []}


def test_an_empty_list_is_nothing(server: Server) -> None:
    assert server.client.post("/events", json=[]).json()["accepted"] == 0


def test_words_and_times_of_other_systems_are_understood(server: Server) -> None:
    times = ["2025-03-01T10:00:00+01:00", "2025-03-01 09:00:01", "2025-03-01T09:00:02Z", 1_740_819_603, 1_740_819_604.5]
    words = ["click", "Add-to-Cart", "buy", "fav", "page view"]
    for time, word in zip(times, words, strict=True):
        server.post_event("abroad", "sku-001", word, timestamp=time)
    events = server.client.get("/users/abroad").json()["events"]
    assert [event["event_type"] for event in reversed(events)] == ["view", "cart", "purchase", "like", "view"]
    assert [event["timestamp"] for event in reversed(events)] == [
        "2025-03-01T09:00:00+00:00",
        "2025-03-01T09:00:01+00:00",
        "2025-03-01T09:00:02+00:00",
        "2025-03-01T09:00:03+00:00",
        "2025-03-01T09:00:04.500000+00:00",
    ]


def test_an_unknown_item_is_stored_and_counted(server: Server) -> None:
    assert server.post_event("c2", "not in the bundle")["unknown_items"] == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"user_id": 7}, "user_id is not an id of this shop"),
        ({"item_id": ""}, "item_id is not valid"),
        ({"item_id": None}, "item_id is not valid"),
        ({"item_id": "x" * 513}, "item_id is not valid"),
        ({"item_id": "a\0b"}, "a text holds the character NUL"),
        ({"session_id": "a\0b"}, "a text holds the character NUL"),
        ({"timestamp": 1_740_819_600_000}, "timestamp"),
        ({"timestamp": 4_000_000_000}, "timestamp lies in the future"),
        ({"timestamp": "yesterday"}, "timestamp is not a moment"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, "timestamp is not a moment"),
        ({"timestamp": "1969-12-31T23:59:59Z"}, "timestamp is not a moment"),
        ({"price": -1}, "price is not valid"),
        ({"position": 2**31}, "position is not valid"),
        ({"colour": "red"}, "the request is not valid"),
        ({"event_id": ""}, "event_id is not valid"),
    ],
)
def test_what_is_wrong_is_said(server: Server, wrong: dict[str, Any], words: str) -> None:
    assert problem(server, VIEW | wrong)["problem"].startswith(words)


def test_a_batch_has_a_limit(server: Server) -> None:
    assert problem(server, [VIEW] * 501)["problem"] == "too many events in one request"
    assert server.client.post("/events", json=[VIEW] * 500).json()["accepted"] == 500


def test_a_return_takes_a_purchase_back(server: Server) -> None:
    server.post_event("back", "sku-002", "purchase")
    server.post_event("back", "sku-002", "return")
    assert server.client.get("/users/back").json()["events"] == []

"""What is hidden knows all events of a shopper, and service and library hide the same, however long a history is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from server import log_bundle
from starlette.testclient import TestClient

from shopkeeper.config import build
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.serving.app import create_app
from shopkeeper.serving.settings import ServiceSettings

N_ITEMS, DAY = 400, 86_400
LENGTHS = [1, 2, 5, 30, 150, 199, 201, 260, 450, 1100] + [12] * 40
"""Events of each shopper."""
TYPES = ["view", "view", "view", "cart", "remove_from_cart", "purchase"]


def random_log(seed: int = 0) -> pa.Table:
    """Shoppers with long histories, up to now: what they look at comes back, what they buy does not."""
    rng = np.random.default_rng(seed)
    end = time.time() - 3600
    rows = []
    for user, length in enumerate(LENGTHS):
        bought: set[int] = set()
        for moment in np.sort(rng.uniform(end - 200 * DAY, end, length)):
            item, kind = int(rng.zipf(1.3)) % N_ITEMS, str(rng.choice(TYPES))
            if kind == "purchase" and item in bought:
                kind = "view"
            if kind == "purchase":
                bought.add(item)
            rows.append((f"u{user}", f"i{item:03d}", kind, float(moment)))
    return pa.table({
        "user_id": [row[0] for row in rows], "item_id": [row[1] for row in rows],
        "event_type": [row[2] for row in rows], "timestamp": [row[3] for row in rows],
    })  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = build(ShopSettings, {"pipeline": {"also": []}})
    return log_bundle(tmp_path_factory.mktemp("long") / "bundle", random_log(), "itemknn", settings)


@pytest.fixture(scope="module")
def shop(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    settings = ServiceSettings(database=str(tmp_path_factory.mktemp("store") / "shop.db"), access_log=False)
    with TestClient(create_app(folder, settings), "http://localhost") as client:
        yield client


def asked(shop: TestClient, **question: object) -> list[str]:
    answer = shop.post("/recommendations", json=question)
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


@pytest.mark.parametrize("hide", [None, "bought", "seen", "none"])
def test_service_and_library_agree_for_every_shopper(folder: Path, shop: TestClient, hide: str | None) -> None:
    pipeline = Bundle.load(folder).pipeline
    users = [f"u{user}" for user in range(len(LENGTHS))]
    answers = pipeline.recommend(users, k=40, hide=hide)
    for place, user in enumerate(users):
        assert asked(shop, user_id=user, k=40, filters={"hide": hide}) == answers.ids(place), user


def test_what_was_bought_long_ago_does_not_come_back(shop: TestClient) -> None:
    log = random_log().to_pylist()
    for user in ("u7", "u8", "u9"):
        mine = [row for row in log if row["user_id"] == user]
        bought = {row["item_id"] for row in mine if row["event_type"] == "purchase"}
        assert not bought & set(asked(shop, user_id=user, k=100))
        seen = {row["item_id"] for row in mine if row["event_type"] in ("purchase", "view")}
        assert not seen & set(asked(shop, user_id=user, k=100, filters={"hide_seen": True}))


def test_a_history_of_the_request_hides_all_that_it_names(shop: TestClient) -> None:
    bought = [{"item_id": f"i{item:03d}", "event_type": "purchase"} for item in range(1, 300)]
    assert not {one["item_id"] for one in bought} & set(asked(shop, history=bought, k=100))


def test_fewer_events_that_models_read_hide_no_less(folder: Path, tmp_path: Path) -> None:
    settings = ServiceSettings(database=str(tmp_path / "shop.db"), access_log=False, max_history=5)
    bought = [{"user_id": "new", "item_id": f"i{item:03d}", "event_type": "purchase"} for item in range(1, 60)]
    looks = [{"user_id": "new", "item_id": f"i{item:03d}"} | {"event_type": "view"} for item in (61, 62) * 100]
    for answers in range(2):  # the second service has the events from the store
        with TestClient(create_app(folder, settings), "http://localhost") as shop:
            if not answers:
                assert shop.post("/events", json=[*bought, *looks]).status_code == 200
            assert not {one["item_id"] for one in bought} & set(asked(shop, user_id="new", k=100))


def event(user: str, item: str, kind: str, days_ago: float, **more: object) -> dict[str, object]:
    return {"user_id": user, "item_id": item, "event_type": kind, "timestamp": time.time() - days_ago * DAY} | more


def test_a_cart_that_was_left_behind_hides_no_more(shop: TestClient) -> None:
    shop.post("/events", json=[event("carts", "i001", "cart", 1), event("carts", "i002", "cart", 40),
                               event("carts", "i003", "cart", 2), event("carts", "i003", "Product Removed", 1),
                               event("carts", "i004", "cart", 3), event("carts", "i004", "purchase", 1)])  # fmt: skip
    shown = set(asked(shop, user_id="carts", k=100, filters={"hide": "none"}))
    assert shown & {"i001", "i002", "i003", "i004"} == {"i002", "i003", "i004"}
    assert "i001" in asked(shop, user_id="carts", k=100, filters={"hide": "none", "in_cart": True})


def test_one_of_two_pieces_sent_back_leaves_a_purchase(shop: TestClient) -> None:
    shop.post("/events", json=[event("back", "i001", "purchase", 3, quantity=2),
                               event("back", "i001", "return", 2, quantity=1),
                               event("back", "i002", "purchase", 3), event("back", "i002", "return", 1)])  # fmt: skip
    assert {"i001", "i002"} & set(asked(shop, user_id="back", k=100)) == {"i002"}


def test_how_long_bought_items_stay_hidden_may_be_asked_for(shop: TestClient) -> None:
    shop.post("/events", json=[event("later", "i001", "purchase", 10), event("later", "i002", "purchase", 2)])
    shown = set(asked(shop, user_id="later", k=100, filters={"hide": "bought", "hide_after": 5}))
    assert shown & {"i001", "i002"} == {"i001"}


def test_two_things_said_of_hiding_are_refused(shop: TestClient) -> None:
    answer = shop.post("/recommendations", json={"user_id": "u1", "filters": {"hide": "bought", "hide_seen": True}})
    assert answer.status_code == 422
    assert "contradict" in answer.json()["error"]["problem"]
    wrong = shop.post("/recommendations", json={"user_id": "u1", "filters": {"hide": "all"}})
    assert wrong.status_code == 422

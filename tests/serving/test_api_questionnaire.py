"""A new shopper over HTTP: the questionnaire, interests, and the list that comes of what was picked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from server import Server, running_server

from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.pipeline.questionnaire import taken_items


def test_the_questionnaire_leads_to_a_list(server: Server) -> None:
    asked = server.client.get("/questionnaire?n=4").json()["items"]
    assert len({item["item_id"] for item in asked}) == 4
    assert all(item["available"] and item["title"] for item in asked)
    assert len({item["category"] for item in asked[:2]}) == 2, "shoppers stay within one half of the shop"
    answer = server.recommend(None, history=[asked[0]["item_id"]], k=3)
    assert answer["fallback"] == 0
    assert server.client.get("/questionnaire?n=4").json()["items"] == asked


def test_what_most_shoppers_know_comes_first(server: Server, bundle: Path) -> None:
    pipeline = Bundle.load(bundle).pipeline
    first = server.client.get("/questionnaire?n=1").json()["items"][0]["item_id"]
    shoppers = np.diff(taken_items(pipeline.memory).indptr)
    assert shoppers[pipeline.train.items.index(first)] == shoppers.max()


def test_the_catalog_is_listed_by_popularity(server: Server, bundle: Path) -> None:
    pipeline = Bundle.load(bundle).pipeline
    counts = pipeline.memory.item_counts()
    listed = [item["item_id"] for item in server.client.get("/items?limit=12").json()["items"]]
    assert (np.diff(counts[pipeline.train.items.indices(listed)]) <= 0).all()


def test_a_part_of_the_shop_can_be_asked_about(server: Server) -> None:
    category = server.client.get("/questionnaire?n=1").json()["items"][0]["category"]
    within = server.client.get("/questionnaire", params={"category": category, "n": 100}).json()["items"]
    assert {item["category"] for item in within} == {category}
    assert server.client.get("/questionnaire?category=Nowhere").status_code == 422


def test_what_is_not_wanted_is_refused(server: Server) -> None:
    for query in ("n=0", "n=101", "n=x", "m=3"):
        assert server.client.get(f"/questionnaire?{query}").status_code == 422, query


def test_interests_come_first_until_something_is_known(server: Server) -> None:
    categories = {one["category"] for one in server.client.get("/categories").json()["categories"]}
    wanted = max(categories)
    answer = server.recommend("somebody new", interests=[wanted], k=3, explain=True, fields=["category"])
    assert all(item["item"]["category"].startswith(wanted) for item in answer["items"])
    assert {item["reason"]["kind"] for item in answer["items"]} <= {"popular_in", "more_in"}
    assert answer["items"][0]["reason"]["category"] == wanted
    known = [server.recommend("c7", k=3, **more)["items"] for more in ({}, {"interests": [wanted]})]
    assert known[0] == known[1]
    response = server.client.post("/recommendations", json={"interests": ["x"] * 51})
    assert response.status_code == 422


def test_an_item_that_came_later_can_be_an_interest(bundle: Path, tmp_path: Path) -> None:
    with running_server(bundle, tmp_path / "shop.db") as shop:
        spade = {"item_id": "sku-900", "title": "Spade", "category": "Boats > Oars"}
        assert shop.client.post("/items", json=spade).status_code == 200
        answer = shop.recommend("new", interests=["Boats"], k=2)
        assert answer["items"][0]["item_id"] == "sku-900"
        asked = shop.client.get("/questionnaire?n=100").json()["items"]
        assert "sku-900" not in {item["item_id"] for item in asked}, "nobody knows it yet"

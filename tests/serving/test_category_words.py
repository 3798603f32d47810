"""The words of the shop's own catalog name its categories at every door of the service."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.events import Events
from shopkeeper.data.prepare import PrepareSettings, prepare
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.jobs.train import train
from shopkeeper.serving.app import create_app
from shopkeeper.serving.settings import ServiceSettings

HOUR, DAY, ITEMS = 3600, 86_400, 30
WRITINGS = [
    ("/", "Garden/Tools"),
    (">", "Garden>Tools"),
    ("|", "Garden | Tools"),
    (",", "Garden, Tools"),
    ("list", '["Garden", "Tools"]'),
]


def shop_of(writing: str, folder: Path) -> Path:
    """Thirty items, half of them tools and half pots of the garden, but one that lies in the kitchen."""
    visits = [(user, step) for user in range(40) for step in range(10)]
    log = pa.table({
        "user_id": [f"u{user}" for user, _ in visits],
        "item_id": [f"i{(user + step) % ITEMS}" for user, step in visits],
        "event_type": ["view"] * len(visits), "placement": ["home"] * len(visits),
        "timestamp": [1_740_000_000 + user * HOUR + step * 3 * DAY for user, step in visits],
    })  # fmt: skip
    words = [writing, writing.replace("Tools", "Pots")] * (ITEMS // 2 - 1) + [
        writing,
        writing.replace("Garden", "Kitchen"),
    ]
    feed = pa.table({"item_id": [f"i{n}" for n in range(ITEMS)], "title": [f"T{n}" for n in range(ITEMS)],
                     "category": words, "brand": ["Acme"] + ["Other"] * (ITEMS - 1)})  # fmt: skip
    with tempfile.TemporaryDirectory() as data:
        dataset = prepare(Events.read(log), Catalog.read(feed), PrepareSettings(), Path(data) / "data")
        train(dataset, "transitions", ShopSettings()).bundle.save(folder)
    return folder


@pytest.fixture(scope="module", params=WRITINGS, ids=[name for name, _ in WRITINGS])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, TestClient]]:
    folder = tmp_path_factory.mktemp("words")
    _, writing = request.param
    settings = ServiceSettings(database=str(folder / "shop.db"))
    with TestClient(create_app(shop_of(writing, folder / "bundle"), settings), "http://localhost") as client:
        yield writing, client


def test_filters_interests_and_searches_understand_them(shop: tuple[str, TestClient]) -> None:
    writing, client = shop
    for words in (writing, "Garden > Tools", "garden>tools", "GARDEN \uff1e tools"):
        filtered = client.post("/recommendations", json={"k": 30, "filters": {"category": words}}).json()
        assert {one["item_id"] for one in filtered["items"]} == {f"i{n}" for n in range(0, ITEMS, 2)}
        liked = client.post(
            "/recommendations", json={"k": 5, "interests": [words], "fields": ["category"], "explain": True}
        ).json()
        assert {one["item"]["category"] for one in liked["items"]} == {"Garden > Tools"}
        assert {one["reason"]["category"] for one in liked["items"]} == {"Garden > Tools"}
        assert liked["unknown"] == {}
        assert client.get(f"/items?category={quote(words)}").json()["total"] == 15
        assert client.get(f"/items?query={quote(words)}").json()["total"] == 15
        assert len(client.get(f"/questionnaire?n=30&category={quote(words)}").json()["items"]) == 15
    assert client.get("/items?category=Garden").json()["total"] == 29
    assert client.get("/items?query=garden").json()["total"] == 29
    assert client.get("/items?query=acme").json()["total"] == 1


def test_an_item_that_is_posted_lies_where_its_words_say(shop: tuple[str, TestClient]) -> None:
    writing, client = shop
    for name, words in (("new", writing), ("ours", "Garden > Tools"), ("shouted", writing.upper())):
        assert client.post("/items", json={"item_id": name, "category": words}).status_code == 200
        assert client.get(f"/items/{name}").json()["category"] == "Garden > Tools"
    assert client.get(f"/items?category={quote(writing)}").json()["total"] == 18
    for name in ("new", "ours", "shouted"):
        client.delete(f"/items/{name}")
    other = writing.replace("Garden", "Cars")
    client.post("/items", json={"item_id": "car", "category": other})
    assert client.get(f"/items?category={quote(other)}").json()["total"] == 1
    client.delete("/items/car")


def test_what_names_nothing_is_told(shop: tuple[str, TestClient]) -> None:
    _, client = shop
    refused = [
        client.post("/recommendations", json={"filters": {"category": "Gardn"}}), client.get("/items?category=Gardn"),
        client.get("/questionnaire?category=Gardn"),
        client.post("/recommendations", json={"filters": {"price_min": 1}}),
    ]  # fmt: skip
    assert [answer.status_code for answer in refused] == [422] * 4
    for answer in refused[:3]:
        error = answer.json()["error"]
        assert "names no category" in error["problem"] and "'Garden'" in error["expected"]
    question = {"user_id": "nobody", "interests": ["Boats", "Garden"], "exclude": ["i1", "i99"], "placement": "moon"}
    answer = client.post("/recommendations", json=question).json()
    assert answer["unknown"] == {"interests": ["Boats"], "exclude": ["i99"], "placement": ["moon"]}
    assert answer["known"] is False and len(answer["items"]) == 10
    known = client.post("/recommendations", json={"user_id": "u1", "placement": "home"}).json()
    assert known["known"] is True and known["unknown"] == {}

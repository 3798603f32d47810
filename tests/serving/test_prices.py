"""Prices come back with every digit that the shop wrote, and with their currency."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient

from shopkeeper.data.catalog import Catalog, CatalogSettings
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.events import Events
from shopkeeper.data.prepare import PrepareSettings, prepare
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.jobs.train import train
from shopkeeper.serving.app import create_app
from shopkeeper.serving.settings import ServiceSettings

PRICES = [19_999_999.0, 20_000_000.0, 20_000_001.0, 16_777_217.0, 1.99, 123_456_789.01]
HOUR = 3600


def log() -> pa.Table:
    rows = [(user, (user + step) % 6) for user in range(30) for step in range(4)]
    return pa.table({
        "user_id": [f"u{user}" for user, _ in rows], "item_id": [f"i{item}" for _, item in rows],
        "event_type": ["purchase"] * len(rows), "price": [PRICES[item] for _, item in rows],
        "timestamp": [1_740_000_000 + place * HOUR for place in range(len(rows))],
    })  # fmt: skip


def feed(**more: list[str | None]) -> pa.Table:
    return pa.table(
        {"item_id": [f"i{n}" for n in range(6)], "title": [f"T{n}" for n in range(6)], "price": PRICES, **more}
    )


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    settings = PrepareSettings(outliers={"drop": False})
    catalog = Catalog.read(feed(), CatalogSettings(currency="IDR"))
    return prepare(Events.read(log()), catalog, settings, tmp_path_factory.mktemp("prices") / "data")


def served(dataset: Dataset, folder: Path) -> TestClient:
    train(dataset, "transitions", ShopSettings()).bundle.save(folder / "bundle")
    settings = ServiceSettings(database=str(folder / "shop.db"))
    return TestClient(create_app(folder / "bundle", settings), "http://localhost")


def test_a_log_keeps_them_through_prepare_and_split(dataset: Dataset) -> None:
    assert dataset.price is not None
    items = np.asarray(dataset.histories.item_index)
    assert [set(np.asarray(dataset.price)[items == item].tolist()) for item in range(1, 7)] == [{one} for one in PRICES]
    test = split(dataset, SplitSettings(kind="leave_one_out")).test
    assert test.target_value is not None
    assert set(test.target_value.tolist()) <= set(PRICES)


def test_answers_filters_and_posted_items_have_them_with_the_currency(dataset: Dataset, tmp_path: Path) -> None:
    with served(dataset, tmp_path) as client:
        for place, price in enumerate(PRICES):
            item = client.get(f"/items/i{place}").json()
            assert (item["price"], item["currency"]) == (price, "IDR")
        question = {"k": 6, "fields": ["price"], "filters": {"price_min": 19_999_999, "price_max": 19_999_999}}
        answer = client.post("/recommendations", json=question).json()["items"]
        assert [(one["item_id"], one["item"]) for one in answer] == [("i0", {"price": PRICES[0], "currency": "IDR"})]
        client.post("/items", json={"item_id": "new", "title": "T", "price": 19_999_997})
        assert (client.get("/items/new").json()["price"], client.get("/items/new").json()["currency"]) == (
            19_999_997,
            "IDR",
        )
        client.patch("/items/new", json={"price": 0.1, "currency": "USD"})
        assert client.get("/items/new").json()["currency"] == "USD"
        both = client.post("/recommendations", json={"filters": {"price_min": 1}})
        assert both.status_code == 422 and "several currencies" in both.json()["error"]["problem"]
        dollars = client.post("/recommendations", json={"k": 6, "filters": {"price_max": 1, "currency": "usd"}}).json()
        assert [one["item_id"] for one in dollars["items"]] == ["new"]
        assert client.post("/recommendations", json={"filters": {"currency": "EUR"}}).status_code == 422
        stored = {"user_id": "u1", "item_id": "i0", "event_type": "purchase", "price": 19_999_999}
        assert client.post("/events", json=stored).status_code == 200


def test_a_column_says_the_currency_and_the_setting_fills_it() -> None:
    written = feed(currency_code=["USD", None, "", "EUR", "USD", "USD"])
    assert Catalog.read(written).table.column("currency").to_pylist() == ["USD", None, None, "EUR", "USD", "USD"]
    filled = Catalog.read(written, CatalogSettings(currency="CHF")).table.column("currency").to_pylist()
    assert filled == ["USD", "CHF", "CHF", "EUR", "USD", "USD"]

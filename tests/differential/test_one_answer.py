"""The library, one batch, the command line and the service give one answer; what may come out is counted by hand.

Shops are drawn at random: `SHOPKEEPER_SHOPS=500 python -m pytest tests/differential` walks that many.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_shop import PLANS, Plan, Shop, random_shop

from shopkeeper.cli import main as command_line
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.events import Events
from shopkeeper.data.prepare import PrepareSettings, prepare
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.serving.app import create_app
from shopkeeper.serving.settings import ServiceSettings

SHOPS = int(os.environ.get("SHOPKEEPER_SHOPS", "4"))
MODELS = ("transitions", "item-knn", "personal-frequency", "most-popular", "ease")


@dataclass(frozen=True)
class Doors:
    """One shop behind all doors.

    Attributes:
        shop: Its rows.
        folder: Where its files are.
        bundle: As loaded from the disk.
        client: Asks the service over HTTP messages, in this process.
    """

    shop: Shop
    folder: Path
    bundle: Bundle
    client: TestClient

    def http(self, **question: Any) -> list[Any]:
        """Ids of one answer of the service."""
        answer = self.client.post("/recommendations", json={"k": self.shop.plan.k} | question)
        assert answer.status_code == 200, answer.text
        return [one["item_id"] for one in answer.json()["items"]]

    def http_at_once(self, users: Sequence[Any]) -> dict[Any, list[Any]]:
        """The same for many shoppers at the same time, so that the service answers them in batches."""
        with ThreadPoolExecutor(8) as pool:
            return dict(zip(users, pool.map(lambda user: self.http(user_id=user), users), strict=True))


def command(*words: object) -> None:
    """Types a command; it must succeed."""
    import sys

    before, sys.argv = sys.argv, ["shopkeeper", *map(str, words)]
    try:
        command_line.main()
    except SystemExit as stop:
        assert not stop.code, f"{words}: exit {stop.code}"
    finally:
        sys.argv = before


@contextmanager
def doors_of(plan: Plan, model: str) -> Iterator[Doors]:
    """Writes the files of a shop, makes its bundle by the commands that a shop types, and starts the service."""
    shop = random_shop(plan)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log, feed = shop.write(folder, shop.past)
        command("prepare", log, "--catalog", feed, "--out", folder / "dataset", "--quiet")
        command("train", folder / "dataset", "--model", model, "--refit", "--out", folder / "bundle", "--quiet")
        app = create_app(folder / "bundle", ServiceSettings(database=str(folder / "shop.db"), access_log=False))
        with TestClient(app, "http://localhost") as client:
            yield Doors(shop, folder, Bundle.load(folder / "bundle"), client)


@settings(max_examples=SHOPS, suppress_health_check=list(HealthCheck), phases=(Phase.generate,), derandomize=SHOPS < 50)
@given(plan=PLANS, model=st.sampled_from(MODELS))
def test_every_door_gives_the_same_answer(plan: Plan, model: str) -> None:
    with doors_of(plan, model) as doors:
        users = sorted({row["user_id"] for row in doors.shop.past}, key=str)
        alone = {user: _ids(doors.bundle.pipeline.recommend([user], k=plan.k), 0) for user in users}
        _same_in_one_batch(doors, users, alone)
        _same_on_the_command_line(doors, alone)
        assert doors.http_at_once(users) == alone
        _beginnings_agree(doors, users[0])
        _filters_mean_what_they_say(doors, users[0])
        _same_similar_items(doors)
        _facts_are_those_of_the_feed(doors)
        _same_after_live_events(doors)


def _ids(answers: Any, place: int) -> list[Any]:
    return list(answers.ids(place))


def _same_in_one_batch(doors: Doors, users: Sequence[Any], alone: Mapping[Any, list[Any]]) -> None:
    order = np.random.default_rng(doors.shop.plan.seed).permutation(len(users))
    mixed = [users[place] for place in order]
    together = doors.bundle.pipeline.recommend(mixed, k=doors.shop.plan.k)
    assert {user: _ids(together, place) for place, user in enumerate(mixed)} == alone


def _same_on_the_command_line(doors: Doors, alone: Mapping[Any, list[Any]]) -> None:
    file = doors.folder / "all.parquet"
    command("recommend", doors.folder / "bundle", "--all", "--k", doors.shop.plan.k, "--out", file, "--quiet")
    table = pq.read_table(file, columns=["user_id", "rank", "item_id"]).to_pylist()
    found: dict[Any, list[Any]] = {user: [] for user in alone}
    for row in sorted(table, key=lambda row: row["rank"]):
        found[row["user_id"]].append(row["item_id"])
    assert found == alone


def _beginnings_agree(doors: Doors, user: Any) -> None:
    """A shorter list is the beginning of a longer one."""
    longest = doors.http(user_id=user, k=100)
    for k in (1, 2, 7, 30):
        assert doors.http(user_id=user, k=k) == longest[:k]


def _filters_mean_what_they_say(doors: Doors, user: Any) -> None:
    """What passes a filter is counted from the rows of the feed; nothing that may come out is missing."""
    shop = doors.shop
    known = {row["item_id"] for row in shop.past}
    there = {row["item_id"]: row for row in shop.items if row["item_id"] in known and row["available"] == "true"}
    everything = {"user_id": user, "k": 100}
    plain = {"hide_seen": False, "in_cart": True}
    assert set(doors.http(**everything, filters=plain)) == set(there)
    for steps in {tuple(shop.path(row)) for row in there.values() if row["category"]}:
        for depth in range(1, len(steps) + 1):
            wanted = {item for item, row in there.items() if tuple(shop.path(row)[:depth]) == steps[:depth]}
            words = shop.plan.separator.join(steps[:depth])
            assert set(doors.http(**everything, filters=plain | {"category": words})) == wanted
    prices = sorted(Decimal(row["price"]) for row in there.values() if row["price"])
    for bound in {prices[0], prices[len(prices) // 2], prices[-1]} if prices else ():
        below = {item for item, row in there.items() if row["price"] and Decimal(row["price"]) <= bound}
        assert set(doors.http(**everything, filters=plain | {"price_max": float(bound)})) == below
        above = {item for item, row in there.items() if row["price"] and Decimal(row["price"]) >= bound}
        assert set(doors.http(**everything, filters=plain | {"price_min": float(bound)})) == above


def _same_similar_items(doors: Doors) -> None:
    item = doors.shop.past[0]["item_id"]
    answer = doors.client.get(f"/items/{item}/similar", params={"k": 5})
    assert answer.status_code == 200, answer.text
    available = {row["item_id"]: row["available"] == "true" for row in doors.shop.items}
    found = [one["item_id"] for one in answer.json()["items"]]
    assert item not in found
    assert all(available[one] for one in found)


def _facts_are_those_of_the_feed(doors: Doors) -> None:
    rows = {row["item_id"]: row for row in doors.shop.items}
    body = {"k": 100, "fields": ["title", "category", "brand", "price"]}
    answer = doors.client.post("/recommendations", json=body).json()
    for one in answer["items"]:
        row, facts = rows[one["item_id"]], one["item"]
        price = facts["price"]
        assert (None if price is None else Decimal(str(price))) == (Decimal(row["price"]) if row["price"] else None)
        assert (facts["category"] or "").split(" > ") == (doors.shop.path(row) or [""])
        assert (facts["title"], facts["brand"]) == (row["title"], row["brand"])


def _same_after_live_events(doors: Doors) -> None:
    """What the service heard counts as what a log of everything says."""
    shop, plan = doors.shop, doors.shop.plan
    later = shop.events[shop.live_from :]
    if not later:
        return
    posted = [{key: value for key, value in row.items() if value != ""} for row in later]
    for start in range(0, len(posted), 100):
        answer = doors.client.post("/events", json=posted[start : start + 100])
        assert answer.status_code == 200, answer.text
    log, feed = shop.write(doors.folder, shop.events)
    whole = prepare(Events.read(log), Catalog.read(feed), PrepareSettings(), doors.folder / "whole")
    pipeline = Bundle.load(doors.folder / "bundle").pipeline
    pipeline.remember(whole)
    users = sorted({row["user_id"] for row in shop.events}, key=str)
    expected = {user: _ids(pipeline.recommend([user], k=plan.k), 0) for user in users}
    assert doors.http_at_once(users) == expected

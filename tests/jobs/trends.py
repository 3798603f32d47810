"""A shop with a bundle, and what its shoppers do afterwards: the old circle goes on, and a new habit begins."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from shop import shop_tables
from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.events import Events, EventsSettings
from shopkeeper.data.prepare import prepare
from shopkeeper.data.schema import EventType
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.jobs.train import train
from shopkeeper.serving.event_store.records import ShopEvent

DAY = 86_400_000_000
APRIL = int(np.datetime64("2025-04-10T08:00:00", "us").astype(np.int64))
"""Behind all events of the bundle."""
HALF = 15
"""Items of each circle."""
BEFORE, AFTER, USUAL = "sku-003", "sku-024", "sku-004"
"""The habit: who has seen the first takes the second next; until now it was the third."""
READING = EventsSettings(
    columns={"user_id": "customer", "item_id": "sku", "timestamp": "time", "quantity": "qty", "price": "unit_price"},
    event_type=EventType.PURCHASE,
)


def item(number: int) -> str:
    return f"sku-{number:03d}"


def make_bundle_of_shop(folder: Path, model: str = "transitions") -> ShopSettings:
    """Writes `events.parquet`-like inputs through to `folder/bundle`; gives the settings."""
    events, catalog = shop_tables(n_users=120, n_items=2 * HALF)
    settings = build(ShopSettings, {})
    log, items = Events.read(events, READING), Catalog.read(catalog)
    dataset = prepare(log, items, settings.prepare, folder / "data")
    train(dataset, model, settings).bundle.save(folder / "bundle")
    return settings


def habit_events(n_shoppers: int = 300, seed: int = 1, start: int = APRIL) -> list[ShopEvent]:
    """Purchases of known and new shoppers: ten days of their half's circle; the habit leads into the other half."""
    generator = np.random.default_rng(seed)
    events = []
    for shopper in range(n_shoppers):
        half, place = shopper % 2 * HALF, int(generator.integers(0, HALF))
        time = start + int(generator.integers(0, 20 * DAY))
        for step in range(10):
            current = item(half + place)
            events.append(_bought(f"c{shopper}", current, time + step * DAY, f"{shopper}-{step}"))
            half, place = (HALF, 9) if current == BEFORE else (half, (place + 1) % HALF)
    return events


def usual_events(n_shoppers: int = 300, seed: int = 2, start: int = APRIL) -> list[ShopEvent]:
    """Purchases of known and new shoppers that go on as before."""
    generator = np.random.default_rng(seed)
    events = []
    for shopper in range(n_shoppers):
        half, place = shopper % 2 * HALF, int(generator.integers(0, HALF))
        time = start + int(generator.integers(0, 20 * DAY))
        events += [
            _bought(f"c{shopper}", item(half + (place + step) % HALF), time + step * DAY, f"{shopper}-{step}")
            for step in range(10)
        ]
    return events


def _bought(user: str, item_id: str, time: int, event_id: str) -> ShopEvent:
    return ShopEvent(event_id, user, item_id, EventType.PURCHASE, time)

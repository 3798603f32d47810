"""A shop of views, carts and purchases: who views a thing twice buys it soon, and dear things are bought less."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.events import Events, EventsSettings
from shopkeeper.data.prepare import PrepareSettings, prepare

HOUR = 3_600_000_000
START = int(np.datetime64("2025-03-01T00:00:00", "us").astype(np.int64))


def visit_tables(n_users: int = 120, n_items: int = 20, days: int = 40, seed: int = 0) -> tuple[pa.Table, pa.Table]:
    """The log with prices, and the catalog."""
    rng = np.random.default_rng(seed)
    n = n_users * 15
    user = (n_users * rng.random(n) ** 2).astype(np.int64)  # some come often, and they come again
    item = rng.integers(0, n_items, n)
    time = START + (rng.random(n) * days * 24).astype(np.int64) * HOUR + rng.integers(0, HOUR, n)
    twice = rng.random(n) < 0.3
    price = 1.0 + np.arange(n_items)
    bought = twice & (rng.random(n) < 1 - item / n_items)
    parts = [("view", np.ones(n, dtype=bool), 0), ("view", twice, 1), ("cart", twice, 2), ("purchase", bought, 30)]
    columns = {
        "user_id": np.concatenate([user[which] for _, which, _ in parts]),
        "item_id": np.concatenate([item[which] for _, which, _ in parts]),
        "event_type": np.concatenate([np.full(which.sum(), word) for word, which, _ in parts]),
        "timestamp": np.concatenate([time[which] + hours * HOUR for _, which, hours in parts]),
    }
    columns["price"] = price[columns["item_id"]]
    columns["user_id"] = np.char.add("c", columns["user_id"].astype(str))
    columns["item_id"] = np.char.add("sku-", np.char.zfill(columns["item_id"].astype(str), 3))
    catalog = pa.table(
        {
            "item_id": [f"sku-{place:03d}" for place in range(n_items)],
            "title": [f"Thing {place}" for place in range(n_items)],
            "category": ["Garden > Tools", "Kitchen > Pots"] * (n_items // 2),
            "price": price,
            "available": [place % 4 > 0 for place in range(n_items)],
        }
    )
    return pa.table(columns), catalog


def prepared(folder: Path, events: pa.Table | None = None, catalog: pa.Table | None = None) -> Dataset:
    """The shop, or these tables, prepared."""
    own, feed = visit_tables()
    log = Events.read(events if events is not None else own, build(EventsSettings, {}))
    return prepare(log, Catalog.read(catalog if catalog is not None else feed), PrepareSettings(), folder)

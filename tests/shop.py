"""A small shop whose goods go in circles: shoppers of each half of the catalog walk it in order, a day a step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv


def shop_tables(n_users: int = 80, n_items: int = 12, length: int = 10, seed: int = 0) -> tuple[pa.Table, pa.Table]:
    """Events (one type, prices, quantities) and a catalog with titles and categories."""
    generator = np.random.default_rng(seed)
    half = n_items // 2
    users = np.repeat(np.arange(n_users), length)
    step = np.tile(np.arange(length), n_users)
    start = np.repeat(generator.integers(0, half, n_users), length)
    item = (start + step) % half + (users % 2) * half
    day = np.repeat(generator.integers(0, 20, n_users), length) + step
    time = np.datetime64("2025-03-01T09:00:00") + day.astype("timedelta64[D]") + users.astype("timedelta64[s]")
    ids = np.char.add("sku-", np.char.zfill(np.arange(n_items).astype(str), 3))
    events = pa.table(
        {
            "customer": np.char.add("c", users.astype(str)),
            "sku": ids[item],
            "time": pa.array(time.astype("datetime64[us]")),
            "qty": np.ones(len(users), dtype=np.int64),
            "unit_price": 1.0 + item,
        }
    )
    catalog = pa.table(
        {
            "sku": ids,
            "title": [f"Thing {place} <b>&</b> co" for place in range(n_items)],
            "category": ["Garden > Tools"] * half + ["Kitchen > Pots"] * half,
            "price": 1.0 + np.arange(n_items),
        }
    )
    return events, catalog


def write_shop(folder: Path) -> tuple[Path, Path]:
    """The same as two CSV files."""
    folder.mkdir(parents=True, exist_ok=True)
    events, catalog = shop_tables()
    pa_csv.write_csv(events, folder / "events.csv")
    pa_csv.write_csv(catalog, folder / "items.csv")
    return folder / "events.csv", folder / "items.csv"

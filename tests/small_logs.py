"""Tiny random logs with ties of time, several event types, prices, sessions and a catalog."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary

DAY = 86_400_000_000
N_USERS, N_ITEMS = 3, 4
seeds = st.integers(0, 10_000)


def small_log(seed: int, n_events: int = 24, tick: int = DAY // 2) -> Dataset:
    """Times are a few multiples of `tick`, so that many events share one."""
    rng = np.random.default_rng(seed)
    user = np.sort(rng.integers(0, N_USERS, n_events))
    time = rng.integers(0, 40, n_events) * tick
    order = np.lexsort((time, user))
    time = time[order]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(user, minlength=N_USERS))]).astype(np.int64)
    histories = Histories(
        offsets,
        rng.integers(1, N_ITEMS + 1, n_events).astype(np.int32),
        rng.integers(1, 7, n_events).astype(np.uint8),
        time.astype(np.int64),
        rng.integers(0, 3, n_events).astype(np.uint8),
    )
    price = rng.integers(1, 9, n_events).astype(np.float32)
    price[rng.random(n_events) < 0.2] = np.nan
    catalog = pa.table(
        {
            "item_id": list(range(1, N_ITEMS + 1)),
            "brand": ["a", "b", "a", None],
            "category": ["x > y", "x > z", "w", None],
            "price": [1.0, 2.0, None, float("inf")],
        }
    )
    return Dataset(
        Vocabulary(range(N_USERS)), Vocabulary(range(1, N_ITEMS + 1)), histories,
        quantity=rng.integers(1, 4, n_events).astype(np.float32), price=price,
        session_index=np.cumsum(np.diff(user * 1000 + time // (3 * DAY), prepend=-1) != 0).astype(np.int32),
        placements=Vocabulary(["home", "mail"]), catalog=Catalog(catalog),
    )  # fmt: skip

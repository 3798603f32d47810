"""For every recommender: a list hangs on its question alone, and a long one begins like a short one.

What decides is sums: an answer of many, of few, of long and of short histories takes products of other shapes, which
add in another order. So half of the items of a network are made almost alike, and their scores differ in the last digit
of a float32, if at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.candidates import Candidates, Eligible
from shopkeeper.recommenders.registry import recommender_classes
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import BoolArray, Int32Array

CLASSES = recommender_classes()
N_ITEMS, N_USERS = 310, 12
LENGTHS = (1, 10, 100)
SIZES = (1, 2, 3, 7, 32)
TABLE = "items.embedding.weight"
every = pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES.keys())
_fitted: dict[str, Recommender] = {}


@pytest.fixture(scope="module")
def shop() -> Dataset:
    """Random walks of 1 to 60 views and purchases through half of the items; nobody took the others."""
    generator = np.random.default_rng(4)
    walks = [generator.integers(1, N_ITEMS // 2, length) for length in generator.integers(1, 60, N_USERS)]
    histories = Histories.of_items([walk.astype(np.int32) for walk in walks])
    types = np.array([EventType.VIEW.code, EventType.PURCHASE.code], dtype=np.uint8)
    histories = replace(histories, event_type=types[generator.integers(0, 2, histories.n_events)])
    titles = [f"thing word{place % 40} word{place % 7}" for place in range(N_ITEMS)]
    catalog = Catalog(pa.table({"item_id": pa.array(range(1, N_ITEMS + 1)), "title": titles}))
    return Dataset(Vocabulary(range(N_USERS)), Vocabulary(range(1, N_ITEMS + 1)), histories, catalog=catalog)


@pytest.fixture
def model(cls: type[Recommender], shop: Dataset) -> Recommender:
    """After a glance at the data; shared, so tests must not change it."""
    if cls.__name__ not in _fitted:
        _fitted[cls.__name__] = _crowded(cls().fit(shop, training=TrainingSettings(epochs=1, device="cpu", seed=7)))
    return _fitted[cls.__name__]


def _crowded(model: Recommender) -> Recommender:
    """The model, with the embeddings of half of the items almost those of one."""
    state = model.state()
    noise = np.random.default_rng(0).normal(scale=3e-7, size=(N_ITEMS + 1, 1))
    for name, rows in state.items():
        if name.endswith(TABLE) and len(rows) == N_ITEMS + 1:
            state[name] = rows.copy()
            state[name][1::2] = rows[1] * (1 + noise[1::2])
    model.restore(state)
    return model


def batches(shop: Dataset, seed: int = 1) -> Iterator[tuple[Int32Array, Histories]]:
    """Places of shoppers in the data, and their histories."""
    generator = np.random.default_rng(seed)
    for size in SIZES:
        rows = generator.integers(0, N_USERS, size).astype(np.int32)
        yield rows, shop.histories.take(rows)


def _users(rows: Int32Array) -> Int32Array:
    """Who they are said to be: a third of them nobody that is known."""
    return np.where(rows % 3, rows + 1, 0).astype(np.int32)


def ranked(model: Recommender, rows: Int32Array, asked: Histories, k: int) -> Int32Array:
    return model.rank(_users(rows), asked, k)[0]


def hidden_of(rows: Int32Array) -> list[Int32Array]:
    """Each shopper has another number of items that must not come out."""
    return [np.arange(1, 1 + 5 * int(row), dtype=np.int32) for row in rows]


def candidates(model: Recommender, rows: Int32Array, asked: Histories, n: int, allowed: BoolArray | None) -> Candidates:
    return model.candidates(_users(rows), asked, n, Eligible.of(allowed, hidden_of(rows)))


@every
def test_lists_do_not_hang_on_who_asks_beside_or_on_their_length(model: Recommender, shop: Dataset) -> None:
    everyone = np.arange(N_USERS, dtype=np.int32)
    alone = np.concatenate(
        [ranked(model, row, shop.histories.take(row), N_ITEMS) for row in np.split(everyone, N_USERS)]
    )
    for rows, asked in batches(shop):
        np.testing.assert_array_equal(ranked(model, rows, asked, N_ITEMS), alone[rows])
        for k in LENGTHS:
            np.testing.assert_array_equal(ranked(model, rows, asked, k), alone[rows, :k])


@every
@pytest.mark.parametrize("n", [10, N_ITEMS])
def test_candidates_do_not_hang_on_who_asks_beside(model: Recommender, shop: Dataset, n: int) -> None:
    allowed = np.arange(N_ITEMS + 1) % 4 > 0
    everyone = np.arange(N_USERS, dtype=np.int32)
    alone = np.concatenate(
        [candidates(model, row, shop.histories.take(row), n, allowed).item_index for row in np.split(everyone, N_USERS)]
    )
    for rows, asked in batches(shop):
        np.testing.assert_array_equal(candidates(model, rows, asked, n, allowed).item_index, alone[rows])

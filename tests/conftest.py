"""Order of tests, and data sets for them: one whose answer is visible by eye, and real ones where they are given."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import settings

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary

REAL_COMPONENTS = ("slow", "shared_data", "postgres", "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests first, then those that need real data, a server or patience."""
    items.sort(key=lambda item: any(item.get_closest_marker(name) for name in REAL_COMPONENTS))


settings.register_profile("any machine", deadline=None)  # a busy machine is no fault of an example
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = os.environ.get("SHOPKEEPER_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs the real data sets: set SHOPKEEPER_DATA to their folder")
    return Path(folder)


def cycle_dataset(n_users: int = 60, n_items: int = 12, length: int = 8, seed: int = 0) -> Dataset:
    """Every shopper walks the items in one circle from a random start: item i is always followed by item i + 1."""
    generator = np.random.default_rng(seed)
    starts = generator.integers(0, n_items, n_users)
    walks = [(start + np.arange(length)) % n_items + 1 for start in starts]
    items = pa.array([f"item-{place:02d}" for place in range(1, n_items + 1)])
    return Dataset(Vocabulary(range(100, 100 + n_users)), Vocabulary(items), Histories.of_items(walks))


@pytest.fixture
def cycle() -> Dataset:
    return cycle_dataset()

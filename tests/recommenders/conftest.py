"""MovieLens 100K for comparisons with reference implementations: ratings of 4 and 5 as events, oldest first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary


@pytest.fixture(scope="session")
def ml_100k_walks(shared_data: Path) -> list[np.ndarray]:
    """Items of each shopper, int32, oldest first."""
    ratings = np.loadtxt(shared_data / "ml-100k" / "ml-100k.inter", skiprows=1)
    liked = ratings[ratings[:, 2] >= 4]
    liked = liked[np.lexsort((liked[:, 3], liked[:, 0]))]
    users, starts = np.unique(liked[:, 0], return_index=True)
    items = np.unique(liked[:, 1], return_inverse=True)[1].astype(np.int32) + 1
    assert len(users) == 942
    return np.split(items, starts[1:])


@pytest.fixture(scope="session")
def ml_100k(ml_100k_walks: list[np.ndarray]) -> Dataset:
    """All of it."""
    n_items = max(int(walk.max()) for walk in ml_100k_walks)
    return _dataset(ml_100k_walks, n_items)


@pytest.fixture(scope="session")
def ml_100k_split(ml_100k_walks: list[np.ndarray]) -> tuple[Dataset, list[np.ndarray]]:
    """Four random fifths of each shopper's events, and the items of the rest."""
    generator = np.random.default_rng(0)
    walks = [generator.permutation(walk) for walk in ml_100k_walks]
    n_items = max(int(walk.max()) for walk in ml_100k_walks)
    cuts = [int(np.ceil(0.8 * len(walk))) for walk in walks]
    train = _dataset([walk[:cut] for walk, cut in zip(walks, cuts, strict=True)], n_items)
    return train, [walk[cut:] for walk, cut in zip(walks, cuts, strict=True)]


def _dataset(walks: list[np.ndarray], n_items: int) -> Dataset:
    return Dataset(Vocabulary(range(1, len(walks) + 1)), Vocabulary(range(1, n_items + 1)), Histories.of_items(walks))

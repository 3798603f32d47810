"""Nearest neighbors by a feature, and how pure they are."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.features import neighbors
from shopkeeper.features.feature import Feature
from shopkeeper.features.neighbors import nearest, purity

MATRIX = np.array([[0, 0], [1, 0], [2, 0.1], [0, 3], [0.1, 1], [0, 0]], dtype=np.float32)
KNOWN = np.array([False, True, True, True, True, False])
FEATURE = Feature("plane", Vocabulary(range(1, 6)), MATRIX, KNOWN)


@pytest.mark.parametrize("cells", [1, 1 << 24])
def test_the_nearest_come_first_and_never_the_item_itself(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbors, "CELLS", cells)
    found, cosines = nearest(FEATURE, np.array([1, 4, 5]), 4)
    assert found.tolist() == [[2, 4, 3, 0], [3, 2, 1, 0], [0, 0, 0, 0]]
    assert cosines[0, 0] == pytest.approx(2 / np.hypot(2, 0.1))
    assert np.isneginf(cosines[0, 3])
    assert np.isneginf(cosines[2]).all()


def test_more_neighbors_than_items_are_filled_up() -> None:
    found, _ = nearest(FEATURE, np.array([1]), 9)
    assert found.tolist() == [[2, 4, 3, 0, 0, 0, 0, 0, 0]]


def test_purity_counts_neighbors_of_the_same_label() -> None:
    labels = np.array([0, 7, 7, 8, 8, 7])
    assert purity(FEATURE, labels, np.arange(1, 6), 1) == 1.0
    assert purity(FEATURE, labels, np.arange(1, 6), 3) == pytest.approx(1 / 3)
    assert np.isnan(purity(FEATURE, np.zeros(6, dtype=np.int64), np.arange(1, 6), 1))

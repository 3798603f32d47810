"""Vectors on a plane: what is near stays near."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from shopkeeper.features.projection import on_a_plane

GENERATOR = np.random.default_rng(0)
GROUP = np.repeat(np.arange(3), 40)
VECTORS = (4 * np.eye(3, 12)[GROUP] + GENERATOR.normal(size=(120, 12))).astype(np.float32)


def _own_group_nearest(places: np.ndarray) -> float:
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    return float((GROUP[distance.argmin(axis=1)] == GROUP).mean())


def test_groups_stay_together_and_the_seed_decides() -> None:
    pytest.importorskip("sklearn")
    places, method = on_a_plane(VECTORS)
    assert method == "t-SNE"
    assert places.min() == 0.0 and places.max() == 1.0 and places.shape == (120, 2)
    assert _own_group_nearest(places) > 0.95
    assert np.array_equal(places, on_a_plane(VECTORS)[0])


def test_without_scikit_learn_the_first_components_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    places, method = on_a_plane(VECTORS)
    assert method == "principal components"
    assert _own_group_nearest(places) > 0.9


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_few_vectors_have_places_too(n: int) -> None:
    places, _ = on_a_plane(VECTORS[:n])
    assert places.shape == (n, 2) and np.isfinite(places).all()
    alike, _ = on_a_plane(np.ones((4, 1), dtype=np.float32))
    assert np.isfinite(alike).all()

"""Nearest items by cosine: equal to a full sort, across block borders, without the item itself and empty vectors."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.pipeline import index as index_module
from shopkeeper.pipeline.index import ItemIndex


def vectors(n_items: int, size: int = 8, seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(n_items + 1, size)).astype(np.float32)
    drawn[0] = 0
    return drawn


def test_search_equals_a_full_sort_of_cosines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "BLOCK", 7)
    items, queries = vectors(50), vectors(4, seed=1)[1:]
    found, scores = ItemIndex.build(items).search(queries, 5)
    cosines = (queries / np.linalg.norm(queries, axis=1, keepdims=True)) @ (
        items[1:] / np.linalg.norm(items[1:], axis=1, keepdims=True)
    ).T
    expected = np.argsort(-cosines, axis=1)[:, :5] + 1
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(scores, np.take_along_axis(cosines, expected - 1, axis=1), rtol=1e-5)


def test_the_item_itself_and_items_without_vector_never_come_out() -> None:
    items = vectors(6)
    items[3] = 0
    found, _ = ItemIndex.build(items).similar(np.array([1, 2], dtype=np.int32), 10)
    for query, row in zip((1, 2), found, strict=True):
        assert sorted(row[row > 0]) == sorted({1, 2, 4, 5, 6} - {query})


def test_length_of_a_vector_does_not_matter() -> None:
    items = vectors(20)
    longer = items * np.linspace(1, 9, 21, dtype=np.float32)[:, None]
    query = np.array([4], dtype=np.int32)
    np.testing.assert_array_equal(
        ItemIndex.build(items).similar(query, 5)[0], ItemIndex.build(longer).similar(query, 5)[0]
    )

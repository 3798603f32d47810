"""Properties of lists by hand: coverage, novelty, popularity, diversity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopkeeper.metrics.coverage import coverage
from shopkeeper.metrics.diversity import category_diversity, vector_diversity
from shopkeeper.metrics.novelty import novelty
from shopkeeper.metrics.popularity_bias import average_popularity, gini

LISTS = np.array([[1, 2], [1, 0], [0, 0]], dtype=np.int32)
COUNTS = np.array([0, 8, 4, 4])


def test_coverage_counts_items_once_and_not_padding():
    assert coverage(LISTS, 4) == 0.5
    assert coverage(LISTS[2:], 4) == 0


def test_novelty_is_the_mean_information_in_bits():
    assert novelty(LISTS, COUNTS).tolist() == [1.5, 1, 0]


def test_average_popularity_is_the_mean_count():
    assert average_popularity(LISTS, COUNTS).tolist() == [6, 8, 0]


def test_gini_is_zero_for_even_and_near_one_for_one_item():
    assert gini(np.array([[1, 2], [3, 4]], dtype=np.int32), 4) == 0
    assert gini(np.full((5, 1), 3, dtype=np.int32), 100) == pytest.approx(0.99)
    assert gini(np.zeros((2, 2), dtype=np.int32), 4) == 0


def test_category_diversity_counts_pairs_of_known_categories():
    category = np.array([0, 1, 1, 2, 0], dtype=np.int32)
    lists = np.array([[1, 2, 3], [1, 2, 4], [1, 4, 0], [1, 0, 0]], dtype=np.int32)
    assert category_diversity(lists, category) == pytest.approx([2 / 3, 0, np.nan, np.nan], nan_ok=True)


def test_vector_diversity_is_the_mean_cosine_distance():
    vectors = np.array([[5, 5], [1, 0], [3, 0], [0, 2], [-1, 0], [0, 0]], dtype=np.float32)
    lists = np.array([[1, 2], [1, 3], [1, 4], [1, 5], [1, 0]], dtype=np.int32)
    assert vector_diversity(lists, vectors) == pytest.approx([0, 1, 2, np.nan, np.nan], nan_ok=True)


@given(st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_vector_diversity_agrees_with_forming_the_pairs(seed):
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((9, 3)).astype(np.float32)
    lists = np.stack([rng.choice(np.arange(1, 9), 4, replace=False) for _ in range(3)]).astype(np.int32)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = [1 - np.mean([unit[a] @ unit[b] for i, a in enumerate(row) for b in row[:i]]) for row in lists]
    assert vector_diversity(lists, vectors) == pytest.approx(expected, abs=1e-5)

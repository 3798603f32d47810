"""Intervals: their width, their coverage, missing values, and bounded memory."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.evaluation import bootstrap
from shopkeeper.evaluation.bootstrap import intervals, resampled_means


def test_half_width_is_that_of_the_normal_approximation():
    values = (np.random.default_rng(0).random((2000, 1)) < 0.1).astype(np.float32)
    low, high = intervals(values, 2000, seed=1)
    expected = 1.96 * values.std() / np.sqrt(len(values))
    assert (high - low)[0] / 2 == pytest.approx(expected, rel=0.06)
    assert low[0] < values.mean() < high[0]


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(3)
    covered = 0
    for seed in range(200):
        low, high = intervals(rng.normal(size=(100, 1)).astype(np.float32), 300, seed)
        covered += low[0] <= 0 <= high[0]
    assert 0.88 <= covered / 200 <= 0.99


def test_one_shopper_and_equal_values_have_no_width():
    for values in (np.ones((1, 2)), np.full((50, 2), 0.25)):
        low, high = intervals(values.astype(np.float32), 50, 0)
        assert low.tolist() == pytest.approx(high.tolist())


def test_missing_values_do_not_count():
    values = np.array([[1, 5], [1, np.nan], [1, 5]], dtype=np.float32)
    means = resampled_means(values, 200, 0)
    assert means[:, 0] == pytest.approx(1)
    assert set(np.unique(means[:, 1])) <= {0.0, 5.0}


def test_chunks_do_not_change_the_draws(monkeypatch):
    values = np.random.default_rng(0).random((100, 3)).astype(np.float32)
    whole = resampled_means(values, 20, 7)
    monkeypatch.setattr(bootstrap, "CHUNK_BYTES", 4 * 100 * 3)
    assert resampled_means(values, 20, 7) == pytest.approx(whole, rel=1e-6)

"""Curves beside those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.metrics.classification import auc, average_precision, lift
from shopkeeper.metrics.curves import Thresholds, thinned

metrics = pytest.importorskip("sklearn.metrics")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    score = np.round(rng.random(400), 2)
    label = (rng.random(400) < score).astype(np.float32)
    return label, score, rng.integers(1, 5, 400).astype(np.float64)


def test_they_are_those_of_scikit_learn(data):
    label, score, weight = data
    found = Thresholds.of(label, score, weight)
    false, true, thresholds = metrics.roc_curve(label, score, sample_weight=weight, drop_intermediate=False)
    np.testing.assert_allclose(found.roc(), (false, true))
    np.testing.assert_array_equal(found.threshold, thresholds)
    precision, recall, _ = metrics.precision_recall_curve(label, score, sample_weight=weight)
    np.testing.assert_allclose(found.precision_recall(), (recall[-2::-1], precision[-2::-1]))


def test_areas_under_them_are_the_metrics(data):
    label, score, weight = data
    found = Thresholds.of(label, score, weight)
    assert np.trapezoid(*found.roc()[::-1]) == pytest.approx(auc(label, score, weight))
    recall, precision = found.precision_recall()
    assert (np.diff(recall, prepend=0) * precision).sum() == pytest.approx(average_precision(label, score, weight))
    share, gain = found.gain()
    assert np.interp(0.1, share, gain) / 0.1 == pytest.approx(lift(label, score, 0.1, weight))


def test_a_thinned_curve_keeps_its_ends_and_shape(data):
    label, _, weight = data
    x, y = Thresholds.of(label, np.random.default_rng(1).random(400) + label, weight).roc()
    short = thinned(x, y, 30)
    assert len(short[0]) <= 31
    assert (short[0][0], short[1][0], short[0][-1], short[1][-1]) == (0, 0, 1, 1)
    assert np.trapezoid(short[1], short[0]) == pytest.approx(np.trapezoid(y, x), abs=0.02)
    assert thinned(x, y, 1000)[0] is x


def test_without_a_label_there_is_no_curve():
    found = Thresholds.of(np.ones(3, dtype=np.float32), np.arange(3.0))
    assert np.isnan(found.roc()[0]).all()
    assert found.roc()[1].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])

"""The metrics of probabilities agree with scikit-learn, with weights and with ties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopkeeper.errors import DataError
from shopkeeper.metrics.classification import (
    auc,
    average_precision,
    brier,
    calibration_curve,
    calibration_error,
    group_auc,
    lift,
    log_loss,
)

sklearn_metrics = pytest.importorskip("sklearn.metrics")


def scored(seed: int, n: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels, probabilities with many ties, weights and groups."""
    rng = np.random.default_rng(seed)
    probability = rng.integers(1, 20, n) / 20
    label = (rng.random(n) < probability).astype(np.float32)
    label[:2] = [0, 1]
    return label, probability, rng.uniform(0.1, 5, n), rng.integers(0, 12, n)


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_they_agree_with_scikit_learn(seed):
    label, probability, weight, group = scored(seed)
    for weights in (None, weight):
        pairs = [
            (auc, sklearn_metrics.roc_auc_score),
            (average_precision, sklearn_metrics.average_precision_score),
            (log_loss, sklearn_metrics.log_loss),
            (brier, sklearn_metrics.brier_score_loss),
        ]
        for ours, theirs in pairs:
            expected = theirs(label, probability, sample_weight=weights)
            assert ours(label, probability, weights) == pytest.approx(expected, rel=1e-9), ours.__name__
        parts = [group == each for each in np.unique(group)]
        parts = [part for part in parts if 0 < label[part].sum() < part.sum()]
        sizes = [part.sum() if weights is None else weights[part].sum() for part in parts]
        each = [auc(label[part], probability[part], None if weights is None else weights[part]) for part in parts]
        assert group_auc(label, probability, group, weights) == pytest.approx(np.average(each, weights=sizes))


def test_a_weight_is_as_many_examples():
    label, probability, _, group = scored(1)
    times = np.random.default_rng(0).integers(1, 5, len(label))
    many = [np.repeat(column, times) for column in (label, probability, group)]
    for metric in (auc, average_precision, log_loss, brier, lambda y, p, w: lift(y, p, weight=w)):
        assert metric(label, probability, times.astype(float)) == pytest.approx(metric(many[0], many[1], None))
    assert group_auc(label, probability, group, times.astype(float)) == pytest.approx(group_auc(*many))


def test_lift_by_eye():
    label = np.array([1, 1, 0, 0, 0, 0, 0, 0, 0, 0], dtype=np.float32)
    assert lift(label, -np.arange(10.0)) == pytest.approx(5)
    assert lift(label, np.arange(10.0)) == 0
    assert lift(label, np.zeros(10)) == pytest.approx(1)
    assert lift(label, -np.arange(10.0), share=0.2) == pytest.approx(5)


def test_true_probabilities_are_calibrated_and_doubled_ones_are_not():
    rng = np.random.default_rng(0)
    probability = rng.uniform(0, 0.5, 100_000)
    label = (rng.random(len(probability)) < probability).astype(np.float32)
    assert calibration_error(label, probability) < 0.006
    assert calibration_error(label, 2 * probability) == pytest.approx(0.25, abs=0.01)
    said, came, mass = calibration_curve(label, probability, bins=10)
    np.testing.assert_allclose(mass, 10_000, atol=1)
    np.testing.assert_allclose(said, came, atol=0.02)


def test_one_probability_for_all_is_one_bin():
    label = np.array([1, 0, 0, 0], dtype=np.float32)
    assert calibration_error(label, np.full(4, 0.25)) == pytest.approx(0)
    assert len(calibration_curve(label, np.full(4, 0.25))[0]) == 1


def test_what_cannot_be_told_is_not_a_number():
    ones = np.ones(3, dtype=np.float32)
    assert np.isnan(auc(ones, np.arange(3.0)))
    assert np.isnan(average_precision(0 * ones, np.arange(3.0)))
    assert np.isnan(lift(0 * ones, np.arange(3.0)))
    assert np.isnan(group_auc(np.array([0, 1], np.float32), np.arange(2.0), np.arange(2)))
    with pytest.raises(DataError, match="not a number"):
        auc(ones, np.array([1, np.nan, 2]))

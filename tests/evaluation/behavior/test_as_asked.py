"""Calibration of a whole question: sums, tenths of what was said, and intervals over shoppers, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.data.examples.asked import WholeQuestion
from shopkeeper.data.examples.examples import Examples
from shopkeeper.evaluation.behavior.as_asked import DECILES, deciles_of, measure_whole


def question(label: np.ndarray, user: np.ndarray, weight: np.ndarray | None = None) -> WholeQuestion:
    n = len(label)
    examples = Examples(user.astype(np.int32), np.ones(n, np.int32), np.zeros(n, np.int64), label.astype(np.float32))
    return WholeQuestion(examples, np.ones(n, np.float32) if weight is None else weight.astype(np.float32))


def test_tenths_hold_equally_much_of_what_was_said():
    rng = np.random.default_rng(0)
    said, weight = rng.beta(0.3, 8, 20_000), rng.integers(1, 4, 20_000).astype(float)
    decile = deciles_of(said, weight)
    assert np.bincount(decile, said * weight, DECILES) == pytest.approx(
        np.full(DECILES, (said * weight).sum() / DECILES), rel=0.01
    )
    assert (np.diff(decile[np.argsort(said)]) >= 0).all()
    assert len(np.unique(deciles_of(np.full(50, 0.2), np.ones(50)))) == 1  # equal ones are together


def test_true_chances_are_true_and_twice_as_much_is_said_to_be():
    rng = np.random.default_rng(1)
    said, user = rng.beta(0.5, 6, 40_000), rng.integers(1, 400, 40_000)
    label = rng.random(40_000) < said
    true = measure_whole(question(label, user), said, 200, 0)
    assert true.said == pytest.approx(said.sum()) and true.came == label.sum() and true.users == 399
    assert true.low is not None and true.high is not None and true.low < 1 < true.high
    assert true.worst is not None and true.worst < 1.2
    twice = measure_whole(question(label, user), 2 * said, 200, 0)
    assert twice.ratio == pytest.approx(2 * true.ratio)
    assert twice.low is not None and twice.low > 1.5


def test_weights_count_and_where_nothing_came_nothing_is_said():
    said = np.array([0.5, 0.5, 0.1, 0.1])
    found = measure_whole(question(np.array([1, 1, 0, 0]), np.array([1, 2, 1, 2]), np.array([1, 1, 5, 5])), said, 50, 0)
    assert found.said == pytest.approx(2.0) and found.pairs == 12 and found.came == 2
    assert found.ratio == pytest.approx(1.0)
    assert found.worst is None and found.deciles[0].ratio is None  # of the lower half nothing came
    never = measure_whole(question(np.zeros(4), np.array([1, 2, 1, 2])), said, 50, 0)
    assert never.ratio is None and never.low is None and never.high is None

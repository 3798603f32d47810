"""A piecewise line of log-odds: rising, true around each knot, and careful where there is little to learn from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from shopkeeper.predictors.calibration import Calibration


def drawn(n: int = 60_000) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds that bend: too bold above 0, too high everywhere."""
    rng = np.random.default_rng(0)
    odds = rng.normal(-3, 2, n)
    true = np.where(odds > 0, 0.4 * odds, odds) - 1.5
    return odds, (rng.random(n) < expit(true)).astype(np.float32)


def test_it_adds_up_to_what_came_where_a_straight_line_does_not():
    odds, label = drawn()
    weight = np.where(label > 0, 1.0, 2.0)
    found = Calibration.fitted("piecewise", odds, label, weight)
    said = found(odds)
    assert (weight * said).sum() == pytest.approx((weight * label).sum(), rel=1e-3)
    for part in np.array_split(np.argsort(odds), 20)[8:]:
        assert (weight * said)[part].sum() == pytest.approx((weight * label)[part].sum(), rel=0.25)
    assert (np.diff(found(np.linspace(-20, 20, 400))) >= 0).all()


def test_it_is_kept_and_moved():
    odds, label = drawn(5000)
    found = Calibration.fitted("piecewise", odds, label, np.ones(len(odds)))
    np.testing.assert_array_equal(Calibration.restored(found.state())(odds), found(odds))
    np.testing.assert_allclose(found.moved(-2.0)(odds + 2.0), found(odds))
    line = Calibration.fitted("platt", odds, label, np.ones(len(odds)))
    np.testing.assert_allclose(line.moved(-2.0)(odds + 2.0), line(odds))


@pytest.mark.parametrize("n_positives", [0, 1, 5, 40])
def test_of_little_only_the_level_is_learned(n_positives: int):
    odds = np.linspace(-6, 2, 2000)
    label = np.zeros(2000, dtype=np.float32)
    label[np.linspace(1000, 1999, n_positives).astype(int)] = 1
    said = Calibration.fitted("piecewise", odds, label, np.ones(2000))(odds)
    assert np.isfinite(said).all() and (np.diff(said) >= 0).all()
    assert said.sum() == pytest.approx(n_positives, abs=0.5)

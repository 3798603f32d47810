from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.recommenders.mixture import SHARPNESS, at_targets, fit_mixture, log_scores, normalizers, probabilities


def amounts(*rows: list[float]) -> np.ndarray:
    return np.array([[9.0, *row] for row in rows], dtype=np.float32)


def test_amounts_and_logits_become_the_same_probabilities():
    given_amounts = amounts([1, 3, 0], [2, 2, 4])
    logits = amounts([0, np.log(3), -np.inf], [7, 7, 7 + np.log(2)])
    for scores, is_logits in ((given_amounts, False), (logits, True)):
        found = probabilities(log_scores(scores, is_logits), 1.0)
        np.testing.assert_allclose(found, [[0, 0.25, 0.75, 0], [0, 0.25, 0.25, 0.5]], rtol=1e-5)


def test_hidden_items_and_silent_rows_have_no_probability():
    hidden = np.array([[False, True, False], [False, False, False]])
    found = probabilities(log_scores(amounts([1, 3], [-1, 0]), False, hidden), 1.0)
    np.testing.assert_allclose(found, [[0, 0, 1], [0, 0, 0]])


def test_sharpness_is_a_power():
    found = probabilities(log_scores(amounts([1, 2]), False), 2.0)
    np.testing.assert_allclose(found, [[0, 0.2, 0.8]], rtol=1e-6)


@given(st.integers(0, 99))
def test_targets_have_their_probability_at_each_sharpness(seed):
    scores = log_scores(np.random.default_rng(seed).random((3, 6), dtype=np.float32), False)
    rows, items = np.array([2, 0]), np.array([1, 5])
    found = at_targets(scores, normalizers(scores), rows, items)
    for place, sharpness in enumerate(SHARPNESS):
        np.testing.assert_allclose(found[:, place], probabilities(scores, sharpness)[rows, items], rtol=1e-4)


def test_weights_are_the_shares_of_a_true_mixture():
    """Each target is drawn from one of two members that exclude each other; a third one knows nothing."""
    generator = np.random.default_rng(0)
    n_items, n = 40, 4000
    first = log_scores(np.tile(np.r_[0, np.ones(20), np.zeros(20)].astype(np.float32), (n, 1)), False)
    second = log_scores(np.tile(np.r_[0, np.zeros(20), np.ones(20)].astype(np.float32), (n, 1)), False)
    nothing = np.full_like(first, -np.inf)
    items = np.where(generator.random(n) < 0.7, generator.integers(1, 21, n), generator.integers(21, n_items + 1, n))
    members = (first, second, nothing)
    targets = np.stack([at_targets(one, normalizers(one), np.arange(n), items) for one in members], axis=1)
    weights, _ = fit_mixture(targets, np.ones(n))
    np.testing.assert_allclose(weights, [0.7, 0.3, 0], atol=0.02)


def test_what_is_too_sure_of_itself_is_flattened():
    generator = np.random.default_rng(1)
    n, n_items = 4000, 10
    true = generator.normal(size=(n, n_items + 1)).astype(np.float32)
    chances = probabilities(log_scores(true, True), 1.0)
    items = np.array([generator.choice(n_items + 1, p=row / row.sum()) for row in chances.astype(np.float64)])
    overconfident = log_scores(true / 0.35, True)
    weights, sharpness = fit_mixture(
        at_targets(overconfident, normalizers(overconfident), np.arange(n), items)[:, None], np.ones(n)
    )
    np.testing.assert_allclose(weights, [1.0])
    assert sharpness.tolist() == [0.35]

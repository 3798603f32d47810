"""Target encoding: no row sees its own or a later outcome, and the answer is that of a plain loop."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.data.transforms.base import Outcome
from shopkeeper.data.transforms.target_encoding import TargetEncoding, TargetStep
from shopkeeper.errors import DataError

Row = tuple[str | None, float, int]
ROWS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", None]), st.floats(-100, 100), st.integers(0, 6)), min_size=1, max_size=40
)


def encoded(rows: list[Row], **options) -> tuple[TargetEncoding, np.ndarray]:
    transform = TargetEncoding(TargetStep(column="brand", **options))
    names, target, time = zip(*rows, strict=True)
    outcome = Outcome(np.array(target, float), np.array(time, np.int64))
    return transform, transform.fit_apply(pa.array(names, pa.string()), outcome)


def mean_before(rows: list[Row], name: str | None, moment: float, smoothing: float, first: float) -> float:
    """The definition, row by row."""
    seen = [target for _, target, time in rows if time < moment]
    mine = [target for other, target, time in rows if time < moment and other == name and name is not None]
    overall = sum(seen) / len(seen) if seen else first
    return (sum(mine) + smoothing * overall) / (len(mine) + smoothing)


def test_a_small_log_by_eye():
    rows: list[Row] = [("a", 1, 10), ("a", 0, 20), ("b", 1, 30), ("a", 1, 40), ("a", 0, 40)]
    transform, block = encoded(rows, smoothing=1, first=0.5)
    # nothing known | a: 1 of 1, all: 1 | b: none, all 1/2 | a: 1 of 2, all 2/3 | the same: rows of a moment are blind
    expected = [0.5, (1 + 1) / 2, 0.5, (1 + 2 / 3) / 3, (1 + 2 / 3) / 3]
    np.testing.assert_allclose(block[:, 0], expected, rtol=1e-6)
    later = transform.apply(pa.array(["a", "b", "new", None]))
    np.testing.assert_allclose(later[:, 0], [(2 + 0.6) / 5, (1 + 0.6) / 2, 0.6, 0.6], rtol=1e-6)


@given(ROWS, st.sampled_from([0.5, 20.0]))
def test_it_is_the_loop_over_earlier_rows(rows, smoothing):
    transform, block = encoded(rows, smoothing=smoothing, first=0.25)
    expected = [mean_before(rows, name, time, smoothing, 0.25) for name, _, time in rows]
    np.testing.assert_allclose(block[:, 0], expected, rtol=1e-5, atol=1e-5)
    later = [mean_before(rows, name, np.inf, smoothing, 0.25) for name in ("a", "new", None)]
    np.testing.assert_allclose(transform.apply(pa.array(["a", "new", None]))[:, 0], later, rtol=1e-5, atol=1e-5)


@given(ROWS, st.integers(0, 6), st.randoms())
def test_no_row_sees_its_own_or_a_later_target(rows, moment, random):
    """Every target from a moment on is replaced; no row up to that moment changes by a single bit."""
    changed = [(name, random.uniform(-1e6, 1e6) if time >= moment else target, time) for name, target, time in rows]
    until = np.array([time for *_, time in rows]) <= moment
    np.testing.assert_array_equal(encoded(rows)[1][until], encoded(changed)[1][until])


@given(ROWS, st.randoms())
def test_the_order_of_rows_does_not_matter(rows, random):
    order = list(range(len(rows)))
    random.shuffle(order)
    np.testing.assert_array_equal(encoded(rows)[1][order], encoded([rows[place] for place in order])[1])


def test_a_shuffled_target_cannot_be_guessed_from_training_features():
    """Ids with few rows and a random target: an encoding that leaks would correlate strongly with it."""
    generator = np.random.default_rng(3)
    target = generator.integers(0, 2, 4000)
    users = [f"user {place}" for place in generator.integers(0, 1000, 4000)]
    rows = list(zip(users, target.tolist(), generator.permutation(4000).tolist(), strict=True))
    transform, block = encoded(rows, smoothing=1)
    leaking = transform.apply(pa.array(users))[:, 0]
    assert abs(np.corrcoef(block[:, 0], target)[0, 1]) < 0.06
    assert np.corrcoef(leaking, target)[0, 1] > 0.3


def test_missing_categories_are_marked():
    transform, block = encoded([("a", 1, 1), (None, 1, 2)], smoothing=1)
    np.testing.assert_array_equal(block[:, 1], [0, 1])
    assert transform.names == ("brand target", "brand target is missing")


def test_what_is_needed_is_said():
    column = pa.array(["a", "b"])
    transform = TargetEncoding(TargetStep(column="brand"))
    with pytest.raises(DataError, match="a target and a time"):
        transform.fit(column)
    with pytest.raises(DataError, match="differ in number"):
        transform.fit(column, Outcome(np.zeros(3), np.zeros(3, np.int64)))
    with pytest.raises(DataError, match="differ in length"):
        Outcome(np.zeros(3), np.zeros(2, np.int64))
    with pytest.raises(DataError, match="not finite"):
        Outcome(np.array([np.nan]), np.zeros(1, np.int64))
    with pytest.raises(DataError, match="too large"):
        transform.fit(column, Outcome(np.full(2, 1e12), np.zeros(2, np.int64)))

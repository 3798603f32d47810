"""Scaled features are 0 for the usual example, gaps too."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.point_in_time.table import FeatureTable
from shopkeeper.predictors.scaling import Scaling


def columns(n: int = 400) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    often = rng.normal(size=n)
    return {
        "wish": rng.normal(size=n), "often": np.where(rng.random(n) < 0.3, np.nan, often),
        "never": np.full(n, np.nan), "constant": np.ones(n),
    }  # fmt: skip


def test_every_column_has_mean_zero_and_gaps_are_told_apart():
    values = FeatureTable.of(columns(), 400).values
    scaling = Scaling.fitted(values)
    scaled = scaling(values)
    assert scaled.shape == (400, 4 + 1)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    assert scaling.share == pytest.approx([np.isnan(values[:, 1]).mean()])
    assert len(np.unique(scaled[:, 4])) == 2
    assert not scaled[:, 2:4].any()
    restored = Scaling.restored(scaling.state())
    np.testing.assert_array_equal(restored(values[:9]), scaled[:9])


def test_what_is_never_known_is_no_reason():
    pytest.importorskip("sklearn")
    from shopkeeper.predictors.logistic_regression import LogisticRegression

    rng, made = np.random.default_rng(1), columns()
    chance = 1 / (1 + np.exp(-made["wish"] - np.isnan(made["often"])))
    label = (rng.random(400) < chance).astype(np.float32)
    zeros = np.zeros(400, dtype=np.int32)
    examples = Examples(zeros, zeros, zeros.astype(np.int64), label, features=FeatureTable.of(made, 400))
    names, _, effects = LogisticRegression().fit(examples).effects(examples)
    np.testing.assert_allclose(effects[:, [names.index("never"), names.index("constant")]], 0, atol=1e-12)
    np.testing.assert_allclose(effects.mean(axis=0), 0, atol=1e-9)
    gap = np.isnan(made["often"])
    assert effects[gap, names.index("often")].mean() > 0 > effects[~gap, names.index("often")].mean()

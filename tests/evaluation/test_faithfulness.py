"""Reasons that are true pass, and reasons that are not do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.point_in_time.table import FeatureTable
from shopkeeper.errors import DataError
from shopkeeper.evaluation.faithfulness import faithfulness
from shopkeeper.predictors.base import Predictor
from shopkeeper.predictors.registry import predictor_classes

pytest.importorskip("lightgbm")
pytest.importorskip("sklearn")


def examples(seed: int, n: int = 1200) -> Examples:
    """Two of eight features decide; each shopper has two examples."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 8))
    label = (rng.random(n) < 1 / (1 + np.exp(-2 * values[:, 0] + values[:, 1]))).astype(np.float32)
    table = FeatureTable.of({f"f{place}": values[:, place] for place in range(8)}, n)
    users = (np.arange(n) // 2 + 1).astype(np.int32)
    return Examples(users, np.ones(n, dtype=np.int32), np.zeros(n, dtype=np.int64), label, features=table)


@pytest.mark.parametrize("name", ["GradientBoosting", "LogisticRegression"])
def test_true_reasons_pass(name):
    model = predictor_classes()[name]().fit(examples(0))
    one, two = faithfulness(model, examples(1), ks=(1, 2))
    assert one.faithful and two.faithful
    assert one.top > 1.3 * one.random
    assert one.share > 0.7
    assert one.direction > 0.9
    assert two.top > one.top
    assert one.low < one.difference < one.high


def test_false_reasons_do_not_pass():
    cls: type[Predictor] = predictor_classes()["LogisticRegression"]

    class Liar(cls):  # type: ignore[valid-type, misc]
        """Names what matters least."""

        def effects(self, asked):
            names, values, effects = super().effects(asked)
            return names, values, 1 / (effects + 1e-9)

    found = faithfulness(Liar().fit(examples(0)), examples(1), ks=(1,))[0]
    assert not found.faithful
    assert found.high < 0


def test_there_must_be_something_to_take_values_from():
    model = predictor_classes()["LogisticRegression"]().fit(examples(0))
    with pytest.raises(DataError, match="two or more"):
        faithfulness(model, examples(1).take(slice(0, 1)))
    with pytest.raises(DataError):
        faithfulness(model, replace(examples(1), features=None))

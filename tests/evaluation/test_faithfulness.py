"""Reasons that are true pass, and reasons that are not do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.point_in_time.features import with_features
from shopkeeper.data.point_in_time.table import FeatureTable
from shopkeeper.errors import DataError
from shopkeeper.evaluation.evidence import removable, without
from shopkeeper.evaluation.faithfulness import faithfulness
from shopkeeper.predictors.base import Predictor
from shopkeeper.predictors.registry import predictor_classes
from small_logs import DAY, N_ITEMS, N_USERS, small_log

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


def test_evidence_beside_features_is_removed_too():
    rng = np.random.default_rng(0)
    log, n = small_log(1, n_events=60), 6
    asked = Examples(
        rng.integers(1, N_USERS + 1, n).astype(np.int32), rng.integers(1, N_ITEMS + 1, n).astype(np.int32),
        np.full(n, 30 * DAY), np.zeros(n, dtype=np.float32), placement=np.arange(n, dtype=np.uint8),
    )  # fmt: skip
    made = with_features(log, asked)
    names = ["pair_views", "item", "brand", "weekday", "shown_at", "history"]
    assert [names[place] for place in removable(made, names)] == ["pair_views", "item", "brand", "shown_at", "history"]
    names.remove("weekday")
    which, others = np.zeros((n, 5), dtype=bool), (np.arange(n) + 1) % n
    np.fill_diagonal(which, True)
    changed = without(made, names, which, others)

    def codes(one, name):
        return next(each for each in one.attributes if each.name == name).codes[one.item_index]

    for name, place in (("item", 1), ("brand", 2), ("category", -1)):
        expected = codes(made, name).copy()
        if place > 0:
            expected[place] = codes(made, name)[others[place]]
        np.testing.assert_array_equal(codes(changed, name), expected)
    views = made.features.column("pair_views")
    np.testing.assert_array_equal(changed.features.column("pair_views"), [views[1], *views[1:]])
    assert changed.placement.tolist() == [0, 1, 2, 4, 4, 5]
    assert changed.past.stop[4] == changed.past.start[4]
    np.testing.assert_array_equal(np.delete(changed.past.stop, 4), np.delete(made.past.stop, 4))

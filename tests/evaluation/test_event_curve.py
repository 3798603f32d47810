"""The same shoppers with histories cut short."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.holdout import Split
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.evaluation.event_curve import ALL, CURVE, event_curve
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.recommenders.transitions import Transitions

SETTINGS = EvaluationSettings(ks=(1,), n_bootstrap=0, curve_events=(0, 1, 3, 99))


@pytest.fixture
def parts(cycle: Dataset) -> Split:
    return split(cycle, SplitSettings(kind="leave_one_out"))


def test_a_model_of_the_last_event_needs_one_event(parts: Split) -> None:
    """Shoppers walk a circle: the last event tells the next item, and without any the model cannot know."""
    rows = event_curve(Transitions().fit(parts.train), parts.test, SETTINGS, part="test")
    assert {(row.group, row.part) for row in rows} == {(CURVE, "test")}
    recall = {row.segment: row.value for row in rows if row.metric == "recall"}
    assert list(recall) == ["0", "1", "3", ALL]
    assert recall["1"] == recall[ALL] == 1.0
    assert recall["0"] < 0.5
    assert {row.metric for row in rows} == {"ndcg", "recall", "hit_rate"}


def test_everybody_asked_has_enough_events_and_is_a_stranger(parts: Split) -> None:
    seen = []

    class Watching(Transitions):
        def score(self, user_index, histories):
            seen.append((user_index, histories.lengths))
            return super().score(user_index, histories)

    event_curve(Watching().fit(parts.train), parts.test, SETTINGS.replace(curve_users=60))
    assert not np.concatenate([users for users, _ in seen]).any()
    lengths = np.concatenate([lengths for _, lengths in seen]).reshape(4, 60)
    assert [set(row.tolist()) for row in lengths[:3]] == [{0}, {1}, {3}]
    assert lengths[3].min() >= 3


def test_too_few_shoppers_give_no_curve(parts: Split) -> None:
    model = Transitions().fit(parts.train)
    assert event_curve(model, parts.test.take(np.arange(20)), SETTINGS) == []
    nobody = replace(parts.test, histories=parts.test.histories.last(0))
    assert event_curve(model, nobody, SETTINGS) == []
    assert event_curve(model, parts.test, SETTINGS.replace(curve_events=())) == []

"""New items and new shoppers in the figures, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scripted import Scripted, dataset, holdout

from shopkeeper.config import build
from shopkeeper.errors import ConfigError
from shopkeeper.evaluation.evaluate import Evaluation, evaluate
from shopkeeper.evaluation.segments import known_names, sight_segment
from shopkeeper.evaluation.settings import EvaluationSettings

TRAIN = dataset([1, 1, 1], [1, 2, 3], n_items=6)
"""Item 1 has four events, 2 and 3 one each, 4, 5 and 6 none."""
ONE = EvaluationSettings(ks=(1,), metrics=("recall", "mrr"), n_bootstrap=0, few_events=3, hide_seen=False)


def of_groups(result: Evaluation, *groups: str, metric: str = "recall") -> dict[tuple[str, str], tuple[float, int]]:
    rows = [row for row in result.rows if row.group in groups and row.metric == metric]
    return {(row.group, row.segment): (row.value, row.n_users) for row in rows}


def test_items_are_told_apart_by_their_events_in_training():
    assert sight_segment(TRAIN, 3).tolist() == [0, 2, 1, 1, 0, 0, 0]
    asked = holdout(TRAIN, (1, [], [1, 2]), (0, [], [3]), (0, [], [4, 0]))
    found = of_groups(evaluate(Scripted(9, 1, 2, 3, 4, 5).fit(TRAIN), asked, ONE), "sight")
    assert found == {("sight", "seen"): (1, 1), ("sight", "few-shot"): (0, 2), ("sight", "unseen"): (0, 1)}


def test_new_items_are_ranked_among_themselves_too():
    """The known item 1 is above all; of the new ones 6 is first, 4 the last."""
    asked = holdout(TRAIN, (0, [], [6]), (0, [], [1]), (0, [], [5, 2]), (0, [], [0]))
    settings = ONE.replace(ks=(2,))
    result = evaluate(Scripted(9, 1, 2, 3, 4, 5).fit(TRAIN), asked, settings)
    assert of_groups(result, "sight", "among new")["sight", "unseen"] == (pytest.approx(1 / 3), 3)
    assert of_groups(result, "among new") == {("among new", "unseen"): (pytest.approx(2 / 3), 3)}
    by_place = of_groups(result, "among new", metric="mrr")
    assert by_place["among new", "unseen"][0] == pytest.approx((1 + 1 / 2 + 0) / 3)


def test_ranks_among_new_items_share_ties():
    asked = holdout(TRAIN, (0, [], [4]), (0, [], [5]))
    result = evaluate(Scripted(9, 9, 9, 1, 1, 1).fit(TRAIN), asked, ONE.replace(ks=(3,)))
    assert of_groups(result, "among new", metric="mrr")["among new", "unseen"][0] == pytest.approx(1 / 2)


def test_where_every_item_has_an_event_nothing_is_ranked_among_new_ones():
    train = dataset([1, 2], [3, 4])
    result = evaluate(Scripted(1, 2, 3, 4).fit(train), holdout(train, (0, [], [0]), (1, [], [1])), ONE)
    assert of_groups(result, "among new") == {}
    assert of_groups(result, "sight")["sight", "unseen"] == (0, 1)


def test_shoppers_are_told_apart_by_how_much_is_known_when_they_are_asked():
    asked = holdout(TRAIN, (1, [], [1]), (0, [2], [2]), (0, [1, 1, 2, 3], [1]), (0, [1] * 9, [3]))
    found = of_groups(evaluate(Scripted(9, 1, 2, 3, 4, 5).fit(TRAIN), asked, ONE), "known events")
    assert found == {
        ("known events", "0"): (1, 1),
        ("known events", "1"): (0, 1),
        ("known events", "3 to 4"): (1, 1),
        ("known events", "8 or more"): (0, 1),
    }
    assert known_names([2, 5]) == ["0 to 1", "2 to 4", "5 or more"]


def test_without_segments_nothing_is_ranked_twice():
    asked = holdout(TRAIN, (0, [], [6]))
    result = evaluate(Scripted(9, 1, 2, 3, 4, 5).fit(TRAIN), asked, ONE.replace(segments=False))
    assert {row.group for row in result.rows} == {"all"}
    assert np.isfinite(result.value("recall", 1))


def test_bounds_that_do_not_ascend_are_refused():
    with pytest.raises(ConfigError, match="larger than the one before"):
        build(EvaluationSettings, {"known_events": [1, 3, 3]})

"""Evaluation by hand: figures, hidden and unseen items, lists, samples, segments, faults."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scripted import Scripted, dataset, holdout

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.hiding import Hide
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.errors import DataError, ShopkeeperError
from shopkeeper.evaluation.evaluate import evaluate
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.recommenders.popular import MostPopular
from shopkeeper.recommenders.top_k import top_k

TRAIN = dataset([1, 2, 1], [1, 3], [4])
EASY = EvaluationSettings(ks=(1, 2), n_bootstrap=200, segments=False)


def fitted(*scores: float) -> Scripted:
    return Scripted(*scores).fit(TRAIN)


def test_figures_by_hand():
    """The model ranks 1, 2, 3, 4; shopper 0 wants 1, shopper 1 wants 3 and 2, shopper 2 something unseen."""
    asked = holdout(TRAIN, (1, [], [1]), (2, [], [3, 2]), (0, [], [0]))
    result = evaluate(fitted(4, 3, 2, 1), asked, EASY.replace(hide_seen=False), part="test")
    assert result.value("recall", 1) == pytest.approx(1 / 3)
    assert result.value("recall", 2) == pytest.approx((1 + 1 / 2) / 3)
    assert result.value("mrr", 2) == pytest.approx((1 + 1 / 2) / 3)
    assert result.value("coverage", 2) == 0.5
    assert result.per_shopper["hit_rate", 2].tolist() == [1, 1, 0]
    assert result.per_shopper["recall", 2].dtype == np.float32
    assert (result.n_users, result.n_targets, result.unseen_share) == (3, 4, 0.25)
    assert {row.part for row in result.rows} == {"test"}
    assert result.model_megabytes == pytest.approx(1.0)


def test_repeated_targets_count_once():
    result = evaluate(fitted(4, 3, 2, 1), holdout(TRAIN, (1, [], [2, 2, 1])), EASY)
    assert result.value("recall", 1) == 0.5
    assert result.n_targets == 2


def test_hidden_items_cannot_be_hit_and_make_room():
    asked = holdout(TRAIN, (1, [1], [2]), (1, [1], [1]))
    hidden = evaluate(fitted(4, 3, 2, 1), asked, EASY.replace(hide_seen=True))
    shown = evaluate(fitted(4, 3, 2, 1), asked, EASY.replace(hide_seen=False))
    assert hidden.per_shopper["recall", 1].tolist() == [1, 0]
    assert shown.per_shopper["recall", 1].tolist() == [0, 1]
    assert (hidden.hidden_share, shown.hidden_share) == (0.5, 0)
    assert (hidden.hiding.hide, shown.hiding.hide) == (Hide.SEEN, Hide.NONE)


def test_the_training_part_decides_whether_seen_items_are_hidden():
    assert evaluate(fitted(4, 3, 2, 1), holdout(TRAIN, (1, [1], [2])), EASY).hiding.hide is Hide.NONE
    no_repeats = Scripted(4, 3, 2, 1).fit(dataset([1, 2], [3, 4]))
    assert evaluate(no_repeats, holdout(TRAIN, (1, [1], [2])), EASY).hiding.hide is Hide.SEEN


def test_revenue_sums_the_value_of_hits():
    asked = holdout(TRAIN, (1, [], [1, 3]), (1, [], [2]), value=[5, 7, 11])
    result = evaluate(fitted(4, 3, 2, 1), asked, EASY)
    assert result.per_shopper["revenue", 2].tolist() == [5, 11]
    with pytest.raises(DataError, match="revenue@1 was not measured"):
        evaluate(fitted(4, 3, 2, 1), holdout(TRAIN, (1, [], [1])), EASY).value("revenue", 1)


def test_diversity_uses_the_categories_of_the_catalog():
    catalog = Catalog(pa.table({"item_id": [13, 10, 11, 99], "category": ["b", "a", "a", "a"]}))
    model = Scripted(4, 3, 1, 2).fit(dataset([1, 2, 1], [1, 3], [4], catalog=catalog))
    result = evaluate(model, holdout(TRAIN, (0, [], [1])), EASY.replace(ks=(2, 3)))
    assert result.value("diversity", 2) == 0
    assert result.value("diversity", 3) == pytest.approx(2 / 3)


def test_vector_diversity_needs_vectors():
    vectors = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [1, 1]], dtype=np.float32)
    settings = EASY.replace(metrics=("vector_diversity",), ks=(2,))
    asked = holdout(TRAIN, (0, [], [1]))
    assert evaluate(fitted(4, 3, 2, 1), asked, settings, item_vectors=vectors).value("vector_diversity", 2) == 1
    assert evaluate(fitted(4, 3, 2, 1), asked, settings).rows == ()


def test_a_model_without_scores_is_measured_by_its_lists(cycle):
    parts = split(cycle, SplitSettings(kind="leave_one_out"))
    model = MostPopular().fit(parts.train)
    settings = EvaluationSettings(ks=(3,), n_bootstrap=0, segments=False)
    by_scores = evaluate(model, parts.test, settings)
    model.final_scores = None
    model.rank = lambda users, histories, k, hide, moments: (*top_k(_scores(model, histories), k), None)
    by_lists = evaluate(model, parts.test, settings.replace(from_lists=True))
    assert by_lists.value("coverage", 3) == by_scores.value("coverage", 3)
    assert by_lists.value("recall", 3) == pytest.approx(by_scores.value("recall", 3), abs=0.1)


def _scores(model, histories):
    scores = model.score(None, histories)
    scores[:, 0] = -np.inf
    if model.hide_seen:
        scores[histories.rows, histories.item_index] = -np.inf
    return scores


def test_batches_do_not_change_the_figures(cycle):
    parts = split(cycle, SplitSettings(kind="leave_one_out"))
    model = MostPopular().fit(parts.train)
    whole = evaluate(model, parts.test, EASY)
    model.batch_size = lambda: 7
    assert evaluate(model, parts.test, EASY).rows == whole.rows


def test_intervals_hold_the_value_and_the_seed_fixes_them(cycle):
    parts = split(cycle, SplitSettings(kind="leave_one_out"))
    model = MostPopular().fit(parts.train)
    result = evaluate(model, parts.test, EASY)
    for row in result.rows:
        if row.low is not None:
            assert row.low <= row.value <= row.high
    assert result.rows == evaluate(model, parts.test, EASY).rows
    assert result.rows != evaluate(model, parts.test, EASY.replace(seed=5)).rows
    assert result.row("coverage", 1).low is None


def test_a_sample_of_shoppers_is_fixed(cycle):
    parts = split(cycle, SplitSettings(kind="leave_one_out"))
    model = MostPopular().fit(parts.train)
    first, second = (evaluate(model, parts.test, EASY.replace(max_users=10)) for _ in range(2))
    assert first.n_users == 10
    assert first.user_ids.equals(second.user_ids)


def test_nobody_to_ask_is_an_error():
    with pytest.raises(DataError, match="nobody to ask in the part 'test'"):
        evaluate(fitted(1, 2, 3, 4), holdout(TRAIN), EASY, part="test")


def test_scores_that_are_no_numbers_are_an_error():
    with pytest.raises(ShopkeeperError, match="not numbers"):
        evaluate(fitted(1, np.nan, 3, 4), holdout(TRAIN, (1, [], [1])), EASY)


def test_scores_of_the_wrong_shape_are_an_error():
    model = fitted(1, 2, 3, 4)
    model.final_scores = lambda *_: (np.zeros((1, 3), dtype=np.float32), None)
    with pytest.raises(ShopkeeperError, match=r"expected: \(1, 5\)"):
        evaluate(model, holdout(TRAIN, (1, [], [1])), EASY)


def test_segments_tell_shoppers_and_items_apart():
    """Item 1 takes more than a fifth of the events; items 3 and 4 are the last fifth's."""
    train = dataset([1] * 5, [1, 2, 2, 3], [2], [4])
    model = Scripted(4, 3, 2, 1).fit(train)
    asked = holdout(train, (0, [], [1]), (1, [], [4]), (3, [], [1, 2]), (4, [], [4]))
    result = evaluate(model, asked, EvaluationSettings(ks=(1,), metrics=("recall",), n_bootstrap=0))
    found = {(row.group, row.segment): (row.value, row.n_users) for row in result.rows}
    assert found == {
        ("all", ""): (0.375, 4),
        ("shoppers", "new"): (1, 1),
        ("shoppers", "light"): (0.25, 2),
        ("shoppers", "heavy"): (0, 1),
        ("items", "head"): (1, 2),
        ("items", "middle"): (0, 1),
        ("items", "tail"): (0, 2),
        ("known events", "0"): (0.375, 4),
        ("sight", "few-shot"): (0, 3),
        ("sight", "seen"): (1, 2),
    }


def test_progress_is_told(cycle):
    calls: list[tuple] = []

    class Told:
        def start(self, title, total):
            calls.append((title, total))

        def advance(self, steps=1, facts=None):
            calls.append((steps,))

        def finish(self):
            calls.append(())

    evaluate(fitted(1, 2, 3, 4), holdout(TRAIN, (1, [], [1]), (2, [], [2])), EASY, name="mine", progress=Told())
    assert calls == [("Evaluating mine", 2), (2,), ()]

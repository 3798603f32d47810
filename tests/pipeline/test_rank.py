"""Lists of several recommenders become one by a weighted mean of probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.pipeline.diversify import diversify
from shopkeeper.pipeline.rank import join, probabilities
from shopkeeper.recommenders.candidates import Candidates


def found(items: list[int], scores: list[float]) -> Candidates:
    return Candidates(np.array([items], dtype=np.int32), np.array([scores], dtype=np.float32))


def test_logits_become_a_softmax_and_amounts_become_shares() -> None:
    assert probabilities(np.log(np.array([2, 1, 1], dtype=np.float32)), True) == pytest.approx([0.5, 0.25, 0.25])
    assert probabilities(np.array([3, 1, -5], dtype=np.float32), False) == pytest.approx([0.75, 0.25, 0])
    assert probabilities(np.zeros(4, dtype=np.float32), False) == pytest.approx([0.25] * 4)


def test_joined_scores_are_the_weighted_mean_and_the_source_gave_most() -> None:
    one, two = found([5, 3, 0], [3, 1, -np.inf]), found([3, 7, 0], [1, 1, -np.inf])
    ranked = join(0, [one, two], [0.5, 0.5], [False, False])
    assert dict(zip(ranked.item_index.tolist(), ranked.scores.tolist(), strict=True)) == pytest.approx(
        {5: 0.375, 3: 0.375, 7: 0.25}
    )
    assert dict(zip(ranked.item_index.tolist(), ranked.source.tolist(), strict=True)) == {5: 0, 3: 1, 7: 1}


def test_a_recommender_without_weight_takes_no_part() -> None:
    ranked = join(0, [found([5], [1]), found([7], [9])], [1.0, 0.0], [False, False])
    assert ranked.item_index.tolist() == [5]


def test_items_behind_the_list_stay_behind_it() -> None:
    ranked = join(0, [found([5, 2], [3, 1])], [1.0], [False]).then(np.array([9, 2, 8], dtype=np.int32), 1)
    assert ranked.item_index.tolist() == [5, 2, 9, 8]
    assert (np.diff(ranked.scores) < 0).all()
    assert ranked.source.tolist() == [0, 0, 1, 1]


def test_each_item_of_a_category_makes_the_next_one_count_less() -> None:
    scores = np.array([1.0, 0.9, 0.8, 0.5], dtype=np.float32)
    category = np.array([1, 1, 1, 2], dtype=np.int32)
    order, values = diversify(scores, [(category, 0.5)], 3)
    assert order.tolist() == [0, 3, 1]
    assert values == pytest.approx([1.0, 0.5, 0.45])


def test_items_without_a_category_are_left_alone() -> None:
    scores = np.array([1.0, 0.9, 0.8], dtype=np.float32)
    order, values = diversify(scores, [(np.full(3, -1, dtype=np.int32), 0.1)], 3)
    assert order.tolist() == [0, 1, 2]
    assert values == pytest.approx(scores)

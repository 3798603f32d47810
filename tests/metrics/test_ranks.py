"""Ranks by hand, against sorting, and what ties may and may not do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopkeeper.metrics import ranks as module
from shopkeeper.metrics.ranks import ranks_in_lists, ranks_of_targets
from shopkeeper.metrics.targets import distinct_targets

INF = np.inf


def ranks(scores: list[list[float]], rows: list[int], targets: list[int]) -> list[float]:
    return ranks_of_targets(
        np.array(scores, dtype=np.float32), np.array(rows, dtype=np.int64), np.array(targets, dtype=np.int32)
    ).tolist()


def test_the_best_score_has_rank_one_and_padding_does_not_count():
    assert ranks([[9, 3, 1, 2], [9, 1, 2, 3]], [0, 0, 1], [1, 2, 1]) == [1, 3, 3]


def test_ties_get_the_average_rank():
    assert ranks([[0, 5, 5, 5, 1]], [0], [1]) == [2]
    assert ranks([[0, 7, 5, 5, 1]], [0], [2]) == [2.5]


def test_scoring_everything_alike_is_the_middle():
    assert ranks([[0] * 102], [0], [1]) == [51]


def test_tied_targets_share_out_their_places():
    assert ranks([[0, 5, 5, 1]], [0, 0], [1, 2]) == [1, 2]
    assert ranks([[0, 5, 5, 5, 5, 1]], [0, 0], [1, 2]) == [2, 3]


def test_unseen_and_hidden_targets_have_no_rank():
    assert ranks([[0, -INF, -INF, 3]], [0, 0, 0], [0, 1, 3]) == [INF, INF, 1]


def test_no_targets_give_no_ranks():
    assert ranks([[0, 1]], [], []) == []


@pytest.mark.parametrize("way", [module._count_by_comparing, module._count_by_sorting])
@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_both_ways_of_counting_agree_with_counting_by_hand(way, seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(-2, 3, (3, rng.integers(1, 9))).astype(np.float32)
    rows, columns = rng.integers(0, 3, 7), rng.integers(0, scores.shape[1], 7)
    above, tied = way(scores, rows, scores[rows, columns])
    assert above.tolist() == [int((scores[r] > scores[r, c]).sum()) for r, c in zip(rows, columns, strict=True)]
    assert tied.tolist() == [int((scores[r] == scores[r, c]).sum()) for r, c in zip(rows, columns, strict=True)]


@pytest.mark.parametrize("n_items", [7, 8, 2039, 2040, 2041, 5000])
def test_many_items_are_counted_to_the_last_one(n_items):
    """No count runs over: the last item is below or tied with all others."""
    scores = np.ones((3, n_items + 1), dtype=np.float32)
    scores[0, -1] = 0
    scores[2, 0] = 5
    rows, items = np.arange(3), np.full(3, n_items, dtype=np.int32)
    middle = (n_items + 1) / 2
    assert ranks_of_targets(scores, rows, items).tolist() == [n_items, middle, middle]
    assert ranks_of_targets(scores, rows[[2, 0]], items[:2]).tolist() == [middle, n_items]


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=100, deadline=None)
def test_ranks_of_all_items_sum_up_and_lie_one_apart(seed, ties):
    rng = np.random.default_rng(seed)
    n_items = int(rng.integers(1, 20))
    scores = (
        rng.integers(0, 4, (2, n_items + 1)).astype(np.float32) if ties else rng.random((2, n_items + 1)).astype("f4")
    )
    rows, items = np.divmod(np.arange(2 * n_items), n_items)
    found = ranks_of_targets(scores, rows, (items + 1).astype(np.int32)).reshape(2, n_items)
    assert np.sort(found, axis=1).tolist() == [list(range(1, n_items + 1))] * 2
    better = scores[:, 1:, None] > scores[:, None, 1:]
    assert (found[:, :, None] < found[:, None, :])[better].all()


def test_ranks_in_lists():
    lists = np.array([[4, 2, 0], [1, 2, 3]], dtype=np.int32)
    found = ranks_in_lists(lists, np.array([0, 0, 0, 1]), np.array([2, 3, 0, 3], dtype=np.int32))
    assert found.tolist() == [2, INF, INF, 3]


def test_each_item_counts_once_and_its_values_add_up():
    rows, items = np.array([1, 0, 0, 0, 0]), np.array([5, 7, 0, 7, 0], dtype=np.int32)
    values = np.array([1, 2, 4, 8, np.nan], dtype=np.float32)
    rows, items, total = distinct_targets(rows, items, values)
    assert rows.tolist() == [0, 0, 0, 1]
    assert items.tolist() == [0, 0, 7, 5]
    assert total.tolist() == [4, 0, 10, 1]

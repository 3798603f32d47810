from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.data.histories import Histories
from shopkeeper.recommenders.mixture import at_targets, fit_mixture, log_scores, normalizers, probabilities
from shopkeeper.recommenders.mixture_search import CANDIDATES, Mixture, Shortlists, search_mixture
from shopkeeper.recommenders.validation import ndcg


def lists_of(members: list[np.ndarray], targets: Histories, size: int) -> Shortlists:
    parts = []
    for start, batch in targets.batches(size):
        scores = [member[start : start + len(batch)] for member in members]
        parts.append(Shortlists.of_batch(scores, [normalizers(one) for one in scores], batch))
    return Shortlists.joined(parts)


def mixed_of(lists: Shortlists, weights: np.ndarray, sharpness: np.ndarray) -> float:
    pairs = zip(weights, sharpness, strict=True)
    return lists.ndcg(np.sum([w * lists.probabilities(m, s) for m, (w, s) in enumerate(pairs)], axis=0))


@given(st.integers(0, 199))
def test_short_lists_of_a_small_catalog_have_the_ndcg_of_all_its_items(seed):
    """Several targets, repeats, unknown items, shoppers without a target, ties, and members that say nothing."""
    generator = np.random.default_rng(seed)
    n, n_items = 9, 20
    amounts = generator.integers(0, 5, (2, n, n_items + 1)).astype(np.float32)
    amounts[0, 3] = 0
    members = [log_scores(one, False) for one in amounts]
    targets = Histories.of_items([generator.integers(0, n_items + 1, generator.integers(0, 6)) for _ in range(n)])
    mixed = np.float32(0.5) * probabilities(members[0], 2.0) + np.float32(0.5) * probabilities(members[1], 0.5)
    expected = ndcg(np.where(mixed > 0, mixed, -np.inf), targets)[targets.lengths > 0].mean()
    found = mixed_of(lists_of(members, targets, 4), np.float32([0.5, 0.5]), np.array([2.0, 0.5]))
    assert found == pytest.approx(expected, abs=1e-6)


def test_only_the_best_items_of_each_member_are_kept():
    generator = np.random.default_rng(0)
    members = [log_scores(generator.random((40, 2001), dtype=np.float32), False) for _ in range(2)]
    lists = lists_of(members, Histories.of_items([[int(row.argmax())] for row in members[1]]), 16)
    assert lists.scores.shape[:2] == (2, 40)
    assert 2 * CANDIDATES - 20 < lists.scores.shape[2] <= 2 * CANDIDATES + 1
    alone = mixed_of(lists, np.float32([0, 1]), np.ones(2))
    assert alone == 1


def test_questions_that_no_list_answers_count_as_missed():
    members = [log_scores(np.arange(101, dtype=np.float32)[None].repeat(4, axis=0), False)]
    lists = lists_of(members, Histories.of_items([[100], [1], [0], []]), 4)
    assert lists.n_asked == 3
    assert lists.scores.shape[1] == 1
    assert mixed_of(lists, np.ones(1), np.ones(1)) == pytest.approx(1 / 3)


def test_without_any_answer_likelihood_keeps_the_word():
    members = [log_scores(np.arange(101, dtype=np.float32)[None].repeat(3, axis=0), False)] * 2
    lists = lists_of(members, Histories.of_items([[1], [2], [0]]), 2)
    likely = (np.array([0.3, 0.7]), np.array([1.0, 0.5]))
    assert search_mixture(lists, likely) is likely


@pytest.fixture
def first_or_likely() -> tuple[list[np.ndarray], Histories]:
    """One member puts the target first in a third of the questions, all items nearly alike; the other one always holds
    it for one of twenty items, and for the last of them. Likelihood trusts the second, whose lists are worthless."""
    generator = np.random.default_rng(0)
    n, n_items = 300, 60
    chosen = np.argsort(generator.random((n, n_items)), axis=1)[:, :20] + 1
    targets = chosen[:, 0]
    first = 1 + 0.01 * generator.random((n, n_items + 1), dtype=np.float32)
    first[np.arange(100), targets[:100]] = 1.02
    likely = np.zeros((n, n_items + 1), dtype=np.float32)
    np.put_along_axis(likely, chosen, np.linspace(1, 1.1, 20, dtype=np.float32)[None], axis=1)
    return [log_scores(first, False), log_scores(likely, False)], Histories.of_items([[item] for item in targets])


def likeliest(members: list[np.ndarray], targets: Histories) -> Mixture:
    rows, items = targets.rows, targets.item_index.astype(np.int64)
    found = [at_targets(one, normalizers(one), rows, items) for one in members]
    return fit_mixture(np.stack(found, axis=1), np.ones(len(rows)))


def test_what_is_likely_need_not_rank_well(first_or_likely):
    members, targets = first_or_likely
    likely, lists = likeliest(members, targets), lists_of(members, targets, 128)
    assert likely[0][1] > 0.9
    assert mixed_of(lists, *likely) == 0
    weights, sharpness = search_mixture(lists, likely)
    assert weights[0] > 0.9
    assert mixed_of(lists, weights, sharpness) > 1 / 3


def test_likelihood_keeps_the_word_where_nothing_ranks_better(first_or_likely):
    members, targets = [first_or_likely[0][0]] * 2, first_or_likely[1].slice(0, 100)
    likely, lists = likeliest(members, targets), lists_of(members, targets, 128)
    assert mixed_of(lists, *likely) == 1
    weights, sharpness = search_mixture(lists, likely)
    np.testing.assert_array_equal(weights, likely[0])
    np.testing.assert_array_equal(sharpness, likely[1])


def test_a_member_may_come_back_from_nothing(first_or_likely):
    members, targets = first_or_likely
    lists = lists_of(members, targets, 128)
    weights, _ = search_mixture(lists, (np.array([0.0, 1.0]), np.ones(2)))
    assert weights[0] > 0.9

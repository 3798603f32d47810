"""Ranking metrics by hand, their bounds, and beside `ranx`."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopkeeper.metrics.ranking import RANKING_METRICS
from shopkeeper.metrics.ranks import ranks_of_targets
from shopkeeper.metrics.revenue import revenue

RANKS = np.array([1, 4, np.inf, 3, 2.5])
ROWS = np.array([0, 0, 0, 1, 3])
N_RELEVANT = np.array([3, 1, 0, 1])
"""Shopper 0 wants three things, 1 one, 2 nothing, 3 one that ties for the places 2 and 3."""


@pytest.mark.parametrize(
    ("name", "k", "expected"),
    [
        ("recall", 1, [1 / 3, 0, 0, 0]),
        ("recall", 3, [1 / 3, 1, 0, 1]),
        ("recall", 10, [2 / 3, 1, 0, 1]),
        ("precision", 4, [2 / 4, 1 / 4, 0, 1 / 4]),
        ("hit_rate", 2, [1, 0, 0, 0]),
        ("hit_rate", 3, [1, 1, 0, 1]),
        ("mrr", 2, [1, 0, 0, 0]),
        ("mrr", 3, [1, 1 / 3, 0, 1 / 2.5]),
        ("ndcg", 1, [1, 0, 0, 0]),
        ("ndcg", 4, [(1 + 1 / log2(5)) / (1 + 1 / log2(3) + 1 / 2), 1 / 2, 0, 1 / log2(3.5)]),
        ("map", 4, [(1 + 2 / 4) / 3, 1 / 3, 0, 1 / 2.5]),
    ],
)
def test_by_hand(name, k, expected):
    assert RANKING_METRICS[name](RANKS, ROWS, N_RELEVANT, k) == pytest.approx(expected)


def test_revenue_sums_what_the_hits_were_worth():
    values = np.array([10.0, 20, 40, 80, 160])
    assert revenue(RANKS, ROWS, values, 4, 3).tolist() == [10, 80, 0, 160]


@st.composite
def questions(draw):
    rng = np.random.default_rng(draw(st.integers(0, 100_000)))
    n, n_items = 4, int(rng.integers(2, 15))
    scores = rng.integers(0, draw(st.sampled_from([1, 3, 1000])), (n, n_items + 1)).astype(np.float32)
    wanted = rng.random((n, n_items)) < 0.3
    rows, items = np.nonzero(wanted)
    return scores, rows, (items + 1).astype(np.int32), wanted.sum(axis=1)


@pytest.mark.parametrize("name", RANKING_METRICS)
@given(questions(), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_between_zero_and_one_whatever_ties(name, question, k):
    scores, rows, items, n_relevant = question
    values = RANKING_METRICS[name](ranks_of_targets(scores, rows, items), rows, n_relevant, k)
    assert values.shape == (4,)
    assert values.min() >= 0
    assert values.max() <= 1 + 1e-12
    assert (values[n_relevant == 0] == 0).all()


@pytest.mark.parametrize("name", ["recall", "hit_rate", "mrr", "map"])
@given(questions(), st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_a_longer_list_is_never_worse(name, question, k):
    scores, rows, items, n_relevant = question
    ranks = ranks_of_targets(scores, rows, items)
    metric = RANKING_METRICS[name]
    assert (metric(ranks, rows, n_relevant, k + 1) >= metric(ranks, rows, n_relevant, k) - 1e-12).all()


@pytest.mark.parametrize("name", ["recall", "precision", "hit_rate", "mrr", "ndcg", "map"])
def test_a_perfect_ranking_is_one(name):
    rows = np.repeat(np.arange(3), 5)
    ranks = np.tile(np.arange(1.0, 6), 3)
    assert RANKING_METRICS[name](ranks, rows, np.full(3, 5), 5) == pytest.approx(np.ones(3))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_agrees_with_ranx():
    ranx = pytest.importorskip("ranx", reason="the reference implementation is not installed (extra 'slow')")
    rng = np.random.default_rng(0)
    n, n_items = 200, 300
    scores = rng.random((n, n_items + 1)).astype(np.float32)
    wanted = rng.random((n, n_items)) < rng.choice([0.005, 0.02, 0.2], (n, 1))
    wanted[np.arange(n), rng.integers(0, n_items, n)] = True
    rows, items = np.nonzero(wanted)
    ranks = ranks_of_targets(scores, rows, (items + 1).astype(np.int32))
    qrels = ranx.Qrels({str(u): {str(i + 1): 1 for i in np.flatnonzero(wanted[u])} for u in range(n)})
    run = ranx.Run({str(u): {str(i): float(scores[u, i]) for i in range(1, n_items + 1)} for u in range(n)})
    for name, theirs in (("recall", "recall"), ("precision", "precision"), ("hit_rate", "hit_rate"), ("mrr", "mrr"),
                         ("ndcg", "ndcg"), ("map", "map")):  # fmt: skip
        for k in (1, 5, 10, 50):
            expected = ranx.evaluate(qrels, run, f"{theirs}@{k}", return_mean=False)
            ours = RANKING_METRICS[name](ranks, rows, wanted.sum(axis=1), k)
            by_user = dict(zip(run.keys(), expected, strict=True))
            assert ours == pytest.approx([by_user[str(u)] for u in range(n)]), f"{name}@{k}"

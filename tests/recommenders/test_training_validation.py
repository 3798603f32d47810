from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.recommenders.popular import MostPopular
from shopkeeper.recommenders.validation import ndcg, sample_holdout, validation_ndcg


def row(*scores: float) -> np.ndarray:
    return np.array([[-np.inf, *scores]], dtype=np.float32)


def of(scores: np.ndarray, *targets: int, k: int = 10) -> float:
    return float(ndcg(scores, Histories.of_items([list(targets)]), k)[0])


def test_by_eye():
    scores = row(0.4, 0.3, 0.2, 0.1)
    assert of(scores, 1) == 1
    assert of(scores, 2) == pytest.approx(1 / np.log2(3))
    assert of(scores, 1, 2) == of(scores, 2, 1, 2) == 1
    assert of(scores, 1, 0) == pytest.approx(1 / (1 + 1 / np.log2(3))), "an unknown item is one that is missed"
    assert of(scores, 3, k=2) == 0
    assert of(scores) == 0
    assert of(row(-np.inf, 0.3), 1) == 0, "a hidden item is not found"


def test_ties_take_the_average_rank():
    assert of(row(0.5, 0.5, 0.5), 1) == pytest.approx(1 / np.log2(3))
    assert of(row(*[0.0] * 21), 5) == 0
    assert of(row(*[0.0] * 19), 5) == pytest.approx(1 / np.log2(11))


@given(st.integers(0, 1000), st.integers(1, 6), st.integers(2, 30))
def test_equals_scikit_learn(seed, n_rows, n_items):
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=(n_rows, n_items + 1)).astype(np.float32)
    scores[:, 0] = -np.inf
    relevant = generator.random((n_rows, n_items)) < 0.3
    targets = Histories.of_items([np.flatnonzero(wanted) + 1 for wanted in relevant])
    ours = ndcg(scores, targets)
    for place in range(n_rows):
        theirs = ndcg_score(relevant[None, place].astype(int), scores[None, place, 1:], k=10)
        assert ours[place] == pytest.approx(theirs)


def test_mean_over_shoppers_with_targets(cycle: Dataset):
    model = MostPopular().fit(cycle)
    best = model.recommend(["nobody"], k=12, hide_seen=False).item_index[0]
    holdout = Holdout(
        user_ids=pa.array([1, 2, 3]),
        user_index=np.zeros(3, dtype=np.int32),
        histories=Histories.of_items([[], [], []]),
        targets=Histories.of_items([[best[0]], [best[11]], []]),
    )
    assert validation_ndcg(model, holdout) == pytest.approx(0.5)
    sample = sample_holdout(holdout, 2, seed=0)
    assert len(sample) == 2
    assert sample_holdout(holdout, 2, seed=0).user_ids.equals(sample.user_ids)
    assert sample_holdout(holdout, None, seed=0) is sample_holdout(holdout, 3, seed=0) is holdout

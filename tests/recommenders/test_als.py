import numpy as np
import pytest
from held_out import recall_and_ndcg
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, csr_matrix

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.recommenders import als
from shopkeeper.recommenders.als import ALS, ALSConfig
from shopkeeper.training.settings import TrainingSettings

SMALL = ALSConfig(factors=4, regularization=0.1, alpha=3.0)


def solved_one_by_one(model: ALS, rows: np.ndarray) -> np.ndarray:
    """The least-squares solution of each shopper by its normal equations, float64 [b, factors]."""
    items = model.item_factors.astype(np.float64)
    result = np.zeros((len(rows), items.shape[1]))
    for place, row in enumerate(rows):
        confidence = np.where(row > 0, model.config.alpha * row, 1.0)
        left = items.T @ (confidence[:, None] * items) + model.config.regularization * np.eye(items.shape[1])
        result[place] = np.linalg.solve(left, items.T @ (confidence * (row > 0)))
    return result


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([1, 60, als.FOLD_IN_VALUES]))
def test_folding_in_solves_the_least_squares(seed, values):
    generator = np.random.default_rng(seed)
    model = ALS(SMALL)
    factors = generator.normal(size=(9, 4)).astype(np.float32)
    factors[0] = 0
    model._set_factors(factors)
    rows = generator.integers(0, 3, (7, 9)) * (generator.random((7, 1)) < 0.8)
    rows[:, 0] = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(als, "FOLD_IN_VALUES", values)
        found = model.fold_in(csr_array(rows.astype(np.float32)))
    np.testing.assert_allclose(found, solved_one_by_one(model, rows), rtol=1e-2, atol=1e-3)


def test_known_and_unknown_shoppers_of_the_same_history_get_the_same(cycle: Dataset):
    model = ALS(SMALL).fit(cycle)
    history = cycle.items.ids(cycle.histories.items_of(0))
    known, unknown = model.recommend([100], k=4), model.recommend(histories=[history], k=4)
    assert known.ids(0) == unknown.ids(0)


def test_an_empty_history_has_no_answer_of_the_model(cycle: Dataset):
    scores = ALS(SMALL).fit(cycle).score(np.array([1], dtype=np.int32), Histories.of_items([[]]))
    assert np.isneginf(scores).all()


def test_progress_is_told_each_iteration(cycle: Dataset):
    told: list[str] = []

    class Listener:
        def start(self, title, total):
            told.append(f"start {total}")

        def advance(self, steps=1, facts=None):
            told.append("advance")

        def finish(self):
            told.append("finish")

    ALS(ALSConfig(factors=4, iterations=3)).fit(cycle, progress=Listener())
    assert told == ["start 3", "advance", "advance", "advance", "finish"]


@pytest.mark.slow
@pytest.mark.shared_data
def test_ml_100k_agrees_with_implicit_used_directly(ml_100k_split):
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    train, targets = ml_100k_split
    config = ALSConfig(factors=32, regularization=0.1, alpha=10.0, history_decay=1.0)
    model = ALS(config).fit(train, training=TrainingSettings(seed=5))
    users = np.arange(1, train.n_users + 1, dtype=np.int32)
    ours = recall_and_ndcg(model.score(users, train.histories), _seen(train), targets)
    with threadpool_limits(1, "blas"):
        reference = AlternatingLeastSquares(factors=32, regularization=0.1, alpha=10.0, random_state=5)
        reference.fit(csr_matrix(train.interaction_matrix()[:, 1:]), show_progress=False)
    direct = np.pad(reference.user_factors @ reference.item_factors.T, ((0, 0), (1, 0)))
    theirs = recall_and_ndcg(direct, _seen(train), targets)
    np.testing.assert_allclose(model.item_factors[1:], reference.item_factors, atol=1e-4)
    assert theirs[1] > 0.2
    np.testing.assert_allclose(ours, theirs, atol=0.005, err_msg="recall@10 and NDCG@10, ours and implicit's")


def _seen(train: Dataset) -> list[np.ndarray]:
    return [train.histories.items_of(user) for user in range(train.n_users)]

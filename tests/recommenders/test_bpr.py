import numpy as np
import pytest
from held_out import recall_and_ndcg
from scipy.sparse import csr_matrix

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.recommenders.bpr import BPR, BPRConfig
from shopkeeper.training.settings import TrainingSettings

SMALL = BPRConfig(factors=4, iterations=10, fold_in=False)


def test_an_unknown_shopper_is_the_stretched_mean_of_her_items(cycle: Dataset):
    model = BPR(BPRConfig(factors=4, iterations=10, history_decay=0.5)).fit(cycle)
    users = model.mean_of_history(Histories.of_items([[3, 7], []]))
    direction = 0.5 * model.item_factors[3, :-1] + model.item_factors[7, :-1]
    expected = direction / np.linalg.norm(direction) * model.usual_length
    np.testing.assert_allclose(users[0], [*expected, 1], rtol=1e-4)
    assert users[1].tolist() == [0] * 5


def test_known_shoppers_have_trained_factors_where_not_folded_in(cycle: Dataset):
    model = BPR(SMALL).fit(cycle)
    asked = cycle.history_of(np.array([1, 0], dtype=np.int32))
    trained = model.score(np.array([1, 0], dtype=np.int32), asked)
    np.testing.assert_allclose(trained[0], model.user_factors[1] @ model.item_factors.T, rtol=1e-5)
    assert np.isneginf(trained[1]).all()
    folding = BPR(SMALL.replace(fold_in=True)).fit(cycle)
    assert not np.allclose(folding.score(np.array([1, 0], dtype=np.int32), asked)[0], trained[0])


def test_a_shopper_without_events_in_training_is_folded_in(cycle: Dataset):
    model = BPR(SMALL).fit(cycle.select(cycle.histories.rows > 0))
    assert (model.user_factors[1] == 0).all()
    scores = model.score(np.array([1], dtype=np.int32), Histories.of_items([[3]]))
    assert np.isfinite(scores).all()


@pytest.mark.slow
@pytest.mark.shared_data
def test_ml_100k_agrees_with_implicit_used_directly(ml_100k_split):
    from implicit.cpu.bpr import BayesianPersonalizedRanking
    from threadpoolctl import threadpool_limits

    train, targets = ml_100k_split
    options = {"factors": 32, "learning_rate": 0.01, "regularization": 0.01, "iterations": 50}
    model = BPR(BPRConfig(fold_in=False, **options)).fit(train, training=TrainingSettings(seed=5))
    users = np.arange(1, train.n_users + 1, dtype=np.int32)
    seen = [train.histories.items_of(user) for user in range(train.n_users)]
    ours = recall_and_ndcg(model.score(users, train.histories), seen, targets)
    with threadpool_limits(1, "blas"):
        reference = BayesianPersonalizedRanking(num_threads=1, random_state=5, **options)
        reference.fit(csr_matrix(train.interaction_matrix()[:, 1:]), show_progress=False)
    direct = np.pad(reference.user_factors @ reference.item_factors.T, ((0, 0), (1, 0)))
    theirs = recall_and_ndcg(direct, seen, targets)
    assert theirs[1] > 0.15
    np.testing.assert_allclose(ours, theirs, atol=0.005, err_msg="recall@10 and NDCG@10, ours and implicit's")

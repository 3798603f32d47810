import numpy as np
import pytest

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.recommenders import sparse
from shopkeeper.recommenders.item_knn import ItemKNN, ItemKNNConfig

WALKS = [[1, 2], [1, 2, 3], [1, 4], [3]]


def shop(walks: list[list[int]], n_items: int = 4) -> Dataset:
    return Dataset(Vocabulary(range(len(walks))), Vocabulary(range(1, n_items + 1)), Histories.of_items(walks))


def neighbors(**settings: object) -> np.ndarray:
    return ItemKNN(ItemKNNConfig(**{"weighting": "none", **settings})).fit(shop(WALKS)).links.toarray()


def test_cosine_by_hand():
    found = neighbors()
    np.testing.assert_allclose(found[1], [0, 0, 2 / np.sqrt(6), 1 / np.sqrt(6), 1 / np.sqrt(3)], rtol=1e-6)
    np.testing.assert_array_equal(found, found.T)
    assert (np.diag(found) == 0).all()


def test_shrinkage_discounts_small_support():
    np.testing.assert_allclose(neighbors(shrinkage=1)[1, 4], 1 / (np.sqrt(3) + 1), rtol=1e-6)


def test_asymmetry_one_is_the_conditional_probability():
    found = neighbors(asymmetry=1)
    np.testing.assert_allclose(found[1], [0, 0, 2 / 3, 1 / 3, 1 / 3], rtol=1e-6)
    np.testing.assert_allclose(found[4], [0, 1, 0, 0, 0], rtol=1e-6)


def test_only_the_nearest_are_kept():
    assert (neighbors(neighbors=1) > 0).sum(axis=1).tolist() == [0, 1, 1, 1, 1]
    assert neighbors(neighbors=1)[1].argmax() == 2


def test_a_shopper_of_everything_counts_less_with_tfidf():
    walks = [[1, 2], [1, 3], [1, 3, 4, 5, 6, 2]]
    plain = ItemKNN(ItemKNNConfig(weighting="none")).fit(shop(walks, 6)).links.toarray()
    weighted = ItemKNN(ItemKNNConfig(weighting="tfidf")).fit(shop(walks, 6)).links.toarray()
    assert plain[1, 4] > 0
    assert weighted[1, 4] < plain[1, 4]


def test_blocks_do_not_change_the_neighbors(cycle: Dataset, monkeypatch):
    whole = ItemKNN(ItemKNNConfig(neighbors=5)).fit(cycle).links.toarray()
    monkeypatch.setattr(sparse.gram_blocks, "__defaults__", (1,))
    np.testing.assert_array_equal(ItemKNN(ItemKNNConfig(neighbors=5)).fit(cycle).links.toarray(), whole)


def test_history_decay_prefers_neighbors_of_the_last_item():
    data = shop([[1, 3], [2, 4]])
    for decay, first in ((0.5, 4), (1.0, 3)):
        answer = (
            ItemKNN(ItemKNNConfig(weighting="none", history_decay=decay))
            .fit(data)
            .recommend(histories=[[1, 2]], k=1, hide_seen=True)
        )
        assert answer.ids(0) == [first]


def test_max_history_takes_the_latest_events():
    model = ItemKNN(ItemKNNConfig(max_history=2)).fit(shop([[1, 2, 3]]))
    assert model.links.toarray()[1:, 1:].astype(bool).tolist() == [
        [False, False, False, False],
        [False, False, True, False],
        [False, True, False, False],
        [False, False, False, False],
    ]


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.filterwarnings("ignore:Method expects CSR input")
@pytest.mark.parametrize("weighting", ["none", "tfidf", "bm25"])
def test_ml_100k_neighbors_equal_those_of_implicit(ml_100k: Dataset, weighting):
    from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
    from scipy.sparse import csr_matrix

    kinds = {"none": CosineRecommender, "tfidf": TFIDFRecommender, "bm25": BM25Recommender}
    reference = kinds[weighting](K=ml_100k.n_items, num_threads=1)
    reference.fit(csr_matrix(ml_100k.interaction_matrix()[:, 1:], dtype=np.float64), show_progress=False)
    expected = reference.similarity.toarray()
    np.fill_diagonal(expected, 0)
    config = ItemKNNConfig(neighbors=ml_100k.n_items, weighting=weighting, max_history=None)
    found = ItemKNN(config).fit(ml_100k).links.toarray()[1:, 1:]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.shared_data
def test_ml_100k_cosine_equals_scikit_learn(ml_100k: Dataset):
    from sklearn.metrics.pairwise import cosine_similarity

    expected = cosine_similarity(ml_100k.interaction_matrix()[:, 1:].T.toarray())
    np.fill_diagonal(expected, 0)
    model = ItemKNN(ItemKNNConfig(neighbors=50, weighting="none", max_history=None)).fit(ml_100k)
    found = model.links.toarray()[1:, 1:]
    np.testing.assert_allclose(found[found > 0], expected[found > 0], rtol=1e-5)
    kept = np.sort(found, axis=1)[:, -50:]
    np.testing.assert_allclose(kept, np.sort(expected, axis=1)[:, -50:], rtol=1e-5, atol=1e-7)

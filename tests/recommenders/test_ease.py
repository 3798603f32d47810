import numpy as np
import pytest

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ResourceError
from shopkeeper.recommenders.ease import BLOCK_ROWS, EASE, EASEConfig


def reference(dataset: Dataset, regularization: float) -> np.ndarray:
    """The closed form as the paper writes it, dense, float64 [n_items, n_items]."""
    matrix = np.zeros((dataset.n_users, dataset.n_items))
    for user in range(dataset.n_users):
        matrix[user, dataset.histories.items_of(user) - 1] = 1
    inverse = np.linalg.inv(matrix.T @ matrix + regularization * np.eye(dataset.n_items))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


def random_shop(n_items: int, n_users: int = 50) -> Dataset:
    generator = np.random.default_rng(1)
    walks = [generator.choice(n_items, 6, replace=False) + 1 for _ in range(n_users)]
    walks.append(np.arange(1, n_items + 1))
    return Dataset(Vocabulary(range(n_users + 1)), Vocabulary(range(1, n_items + 1)), Histories.of_items(walks))


def test_equals_the_closed_form():
    shop = random_shop(30)
    model = EASE(EASEConfig(regularization=3, max_history=None)).fit(shop)
    np.testing.assert_allclose(model.item_weights, reference(shop, 3), rtol=1e-4, atol=1e-6)


def test_equals_the_closed_form_over_several_blocks(monkeypatch):
    monkeypatch.setattr("shopkeeper.recommenders.ease.BLOCK_ROWS", 7)
    assert BLOCK_ROWS > 7
    test_equals_the_closed_form()


def test_single_precision_is_near():
    shop = random_shop(30)
    exact = EASE(EASEConfig(regularization=3)).fit(shop).item_weights
    np.testing.assert_allclose(EASE(EASEConfig(regularization=3, precision="float32")).fit(shop).item_weights, exact,
                               atol=1e-4)  # fmt: skip


def test_score_is_the_sum_of_weights():
    shop = random_shop(8)
    model = EASE(EASEConfig(history_decay=1)).fit(shop)
    scores = model.score(np.zeros(1, dtype=np.int32), Histories.of_items([[3, 5]]))
    np.testing.assert_allclose(scores[0, 1:], model.item_weights[2] + model.item_weights[4], rtol=1e-6)


def test_too_large_a_catalog_is_refused_before_anything_is_allocated():
    n_items = 200_000
    shop = Dataset(Vocabulary([1]), Vocabulary(range(n_items)), Histories.of_items([np.arange(1, n_items + 1)]))
    with pytest.raises(ResourceError, match=r"200,000 items.*\n.*max_gigabytes.*\n.*480\.0 GB.*\n.*max_items=18257"):
        EASE(EASEConfig(max_history=None)).fit(shop)


def test_only_the_most_frequent_items_take_part():
    walks = [[1, 2, 3], [1, 3], [1, 3, 4], [1, 3, 2], [4, 1]]
    shop = Dataset(Vocabulary(range(5)), Vocabulary("abcd"), Histories.of_items(walks))
    model = EASE(EASEConfig(max_items=2, regularization=1)).fit(shop)
    assert model.item_index.tolist() == [1, 3]
    answer = model.recommend(histories=[["a"], ["b"]], k=3, hide_seen=True)
    assert [item.source for item in answer[0]] == ["EASE", "MostPopular", "MostPopular"]
    assert answer.ids(0)[0] == "c"
    assert answer.from_fallback[1].all()
    assert model.similar_items(["a", "b"]).ids(0) == ["c"]
    assert model.similar_items(["a", "b"]).ids(1) == []


@pytest.mark.slow
@pytest.mark.shared_data
def test_ml_100k_equals_an_independent_computation(ml_100k: Dataset):
    model = EASE(EASEConfig(regularization=200, max_history=None)).fit(ml_100k)
    assert len(model.item_index) == ml_100k.n_items
    np.testing.assert_allclose(model.item_weights, reference(ml_100k, 200), rtol=1e-3, atol=1e-6)

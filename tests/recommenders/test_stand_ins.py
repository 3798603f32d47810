from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError, ShopkeeperError
from shopkeeper.features.feature import Feature
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.blend import Blend
from shopkeeper.recommenders.candidates import Eligible
from shopkeeper.recommenders.item_knn import ItemKNN
from shopkeeper.recommenders.newcomers import Newcomers
from shopkeeper.recommenders.popular import MostPopular
from shopkeeper.recommenders.recently_viewed import RecentlyViewed
from shopkeeper.recommenders.sasrec import SASRec, SASRecConfig
from shopkeeper.recommenders.transitions import Transitions
from shopkeeper.training.settings import TrainingSettings

N_ITEMS = 12
TEA, SOAP = [1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]
"""Two departments: nobody visits both."""
QUICK = TrainingSettings(epochs=8, device="cpu", batch_targets=64, validation_users=None)


@pytest.fixture(scope="module")
def shop() -> Dataset:
    generator = np.random.default_rng(0)
    walks = [generator.permutation(TEA if shopper % 2 else SOAP)[:4] for shopper in range(80)]
    return Dataset(Vocabulary(np.arange(80)), Vocabulary(np.arange(1, N_ITEMS + 1) * 10), Histories.of_items(walks))


@pytest.fixture(scope="module")
def newcomers(shop: Dataset) -> Newcomers:
    """A new tea, like items 1 and 2; a new soap, like item 7; and something that is like nothing."""
    return Newcomers(
        shop.with_items([500, 400, 600]),
        np.array([[1, 2], [7, 0], [0, 0]], dtype=np.int32),
        np.array([[0.5, 0.5], [1, 0], [0, 0]], dtype=np.float32),
    )


NEW_TEA, NEW_SOAP, NEW_OTHER = 13, 14, 15


def models() -> list[Recommender]:
    return [
        Transitions(), ItemKNN(), MostPopular(), SASRec(SASRecConfig(embedding_size=16)),
        Blend(Blend.Config.model_validate({"members": [{"model": "Transitions"}, {"model": "ItemKNN"}]})),
    ]  # fmt: skip


@pytest.mark.parametrize("model", models(), ids=lambda model: model.name)
def test_every_model_ranks_newcomers_where_the_items_are_that_they_are_like(model, shop, newcomers):
    fitted = model.fit(shop, training=QUICK)
    before = fitted.recommend(histories=[[10]], k=5)[0]
    longer = fitted.with_newcomers(newcomers)
    users, histories = np.zeros(2, dtype=np.int32), Histories.of_items([[3, 4], [8, 9]])
    scores = longer.score(users, histories)
    known = fitted.score(users, histories)
    np.testing.assert_allclose(scores[:, 1 : N_ITEMS + 1], known[:, 1:], rtol=1e-4, atol=0.7)
    if fitted.name != "MostPopular":
        assert scores[0, NEW_TEA] > scores[0, NEW_SOAP] and scores[1, NEW_SOAP] > scores[1, NEW_TEA]
    assert np.isneginf(scores[:, NEW_OTHER]).all()
    few = np.array([[3, NEW_TEA, NEW_OTHER], [NEW_SOAP, 7, 8]], dtype=np.int32)
    np.testing.assert_allclose(
        longer.score_items(users, histories, few), np.take_along_axis(scores, few.astype(int), axis=1), rtol=1e-4
    )
    assert longer.name == fitted.name
    assert [one.item_id for one in fitted.recommend(histories=[[10]], k=5)[0]] == [one.item_id for one in before]


def test_in_a_model_of_vectors_a_newcomer_is_scored_by_the_mean_of_the_vectors(shop, newcomers):
    fitted = SASRec(SASRecConfig(embedding_size=16)).fit(shop, training=QUICK)
    longer = fitted.with_newcomers(newcomers)
    scores = fitted.score(np.zeros(1, dtype=np.int32), Histories.of_items([[3, 4]]))
    found = longer.score(np.zeros(1, dtype=np.int32), Histories.of_items([[3, 4]]))
    np.testing.assert_allclose(found[0, NEW_TEA], (scores[0, 1] + scores[0, 2]) / 2, rtol=1e-5)
    vectors = longer.item_vectors()
    np.testing.assert_allclose(vectors[NEW_TEA], (vectors[1] + vectors[2]) / 2, rtol=1e-5)
    assert [one.item_id for one in longer.similar_items([400], k=1)[0]] == [70]
    assert [one.item_id for one in longer.similar_items([70], k=1)[0]] == [400]


def test_events_on_newcomers_are_read_as_those_on_the_nearest_item(shop, newcomers):
    longer = Transitions().fit(shop).with_newcomers(newcomers)
    users = np.zeros(2, dtype=np.int32)
    scores = longer.score(users, Histories.of_items([[NEW_SOAP], [7]]))
    np.testing.assert_allclose(scores[0], scores[1])
    found = longer.recommend(histories=[[400]], k=3, hide_seen=True)[0]
    assert 400 not in [one.item_id for one in found]
    assert longer.recommend(histories=[[600]], k=3)[0]


def test_a_model_that_shows_what_was_seen_shows_no_stand_in(shop, newcomers):
    longer = RecentlyViewed().fit(shop).with_newcomers(newcomers)
    scores = longer.score(np.zeros(1, dtype=np.int32), Histories.of_items([[3, NEW_SOAP]]))
    assert np.flatnonzero(np.isfinite(scores[0])).tolist() == [3]


def test_candidates_are_the_best_of_both_within_what_may_come_out(shop, newcomers):
    longer = ItemKNN().fit(shop).with_newcomers(newcomers)
    users, histories = np.zeros(1, dtype=np.int32), Histories.of_items([[3]])
    dense = longer.score(users, histories)
    allowed = np.ones(N_ITEMS + 4, dtype=bool)
    allowed[[0, 5]] = False
    eligible = Eligible.of(allowed, [np.array([3, 2], dtype=np.int32)])
    found = longer.candidates(users, histories, 6, eligible)
    eligible.mask(dense)
    order = np.argsort(-dense[0], kind="stable")
    best = [item for item in order.tolist() if np.isfinite(dense[0, item])][:6]
    assert set(found.item_index[0][found.item_index[0] > 0].tolist()) == set(best) and NEW_TEA in best
    allowed[NEW_TEA] = False
    none = longer.candidates(users, histories, 6, Eligible.of(allowed, [np.zeros(0, dtype=np.int32)]))
    assert NEW_TEA not in none.item_index


def test_a_pipeline_answers_with_newcomers_from_its_models_and_its_fallbacks(shop, newcomers, tmp_path: Path):
    pipeline = Pipeline.of_fitted([ItemKNN().fit(shop)])
    longer = pipeline.with_newcomers(newcomers)
    assert 500 in [one.item_id for one in longer.recommend(histories=[[30]], k=8)[0]]
    everything = longer.recommend(histories=[[]], k=15)[0]
    assert sorted(one.item_id for one in everything) == [*range(10, 130, 10), 400, 500, 600]
    assert everything[-1].item_id == 600
    assert len(pipeline.recommend(histories=[[]], k=15)[0]) == N_ITEMS
    with pytest.raises(ShopkeeperError, match="cannot be saved"):
        longer.save(tmp_path / "longer")
    assert not (tmp_path / "longer").exists()


def test_a_model_of_features_reads_those_of_newcomers(shop, newcomers, tmp_path: Path):
    matrix = np.zeros((N_ITEMS + 1, 3), dtype=np.float32)
    matrix[TEA, 0], matrix[SOAP, 1] = 1, 1
    known = np.arange(N_ITEMS + 1) > 0
    Feature("kind", shop.items, matrix, known).save(tmp_path / "kind")
    config = SASRecConfig(embedding_size=16, item_features=(tmp_path / "kind",), item_ids=False)
    fitted = SASRec(config).fit(shop, training=QUICK)
    vectors = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=np.float32)  # the new tea is a soap by its features
    longer = fitted.with_newcomers(Newcomers(newcomers.dataset, newcomers.neighbors, newcomers.weights, vectors))
    scores = longer.score(np.zeros(1, dtype=np.int32), Histories.of_items([[8, 9]]))[0]
    np.testing.assert_allclose(scores[NEW_TEA], scores[10], rtol=1e-4)
    assert scores[NEW_TEA] > scores[NEW_SOAP]
    with pytest.raises(DataError, match="width 3"):
        fitted.with_newcomers(Newcomers(newcomers.dataset, newcomers.neighbors, newcomers.weights, vectors[:, :2]))


def test_newcomers_must_continue_the_items_of_training(shop, newcomers):
    other = Dataset(Vocabulary([1]), Vocabulary(np.arange(N_ITEMS)), Histories.of_items([[1, 2]]))
    with pytest.raises(DataError, match="do not continue"):
        Transitions().fit(other).with_newcomers(newcomers)
    with pytest.raises(DataError, match="no item of training"):
        Newcomers(newcomers.dataset, np.full((3, 1), 13, dtype=np.int32), np.ones((3, 1), dtype=np.float32))
    with pytest.raises(DataError, match="as many weights"):
        Newcomers(newcomers.dataset, newcomers.neighbors, newcomers.weights[:, :1])

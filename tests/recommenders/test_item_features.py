"""Networks that read what items are: an item that nobody took is ranked by what it is like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.features.feature import Feature
from shopkeeper.recommenders.hstu import HSTU
from shopkeeper.recommenders.item_features import item_feature_vectors
from shopkeeper.recommenders.sasrec import SASRec, SASRecConfig
from shopkeeper.recommenders.tiger import TIGER
from shopkeeper.training.settings import TrainingSettings

N_KINDS, N_ITEMS = 5, 30
KIND = np.arange(N_ITEMS) % N_KINDS
COLD = (29, 30)
"""Items that no history has; item i is of kind KIND[i - 1]."""
TRAINING = TrainingSettings(epochs=15, batch_targets=64, device="cpu", seed=0)
SMALL = {"embedding_size": 16, "dropout": 0.0, "embedding_dropout": 0.0, "item_start": "random"}


@pytest.fixture(scope="module")
def shop() -> Dataset:
    """After an item of one kind shoppers take any warm one of the next kind."""
    generator = np.random.default_rng(0)
    warm = [np.flatnonzero((kind == KIND) & (np.arange(N_ITEMS) < 28)) + 1 for kind in range(N_KINDS)]
    walks = [
        np.array([generator.choice(warm[(start + step) % N_KINDS]) for step in range(6)])
        for start in generator.integers(0, N_KINDS, 200)
    ]
    return Dataset(Vocabulary(np.arange(200)), Vocabulary(np.arange(N_ITEMS) + 100), Histories.of_items(walks))


@pytest.fixture(scope="module")
def folder(shop: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    vectors = np.zeros((N_ITEMS + 1, 8), dtype=np.float32)
    vectors[1:] = 3 * np.eye(8, dtype=np.float32)[KIND]
    vectors[1:] += 0.05 * np.random.default_rng(1).normal(size=(N_ITEMS, 8))
    known = np.arange(N_ITEMS + 1) > 0
    folder = tmp_path_factory.mktemp("features") / "kinds"
    Feature("kinds", shop.items, vectors, known).save(folder)
    return folder


def asked() -> tuple[np.ndarray, Histories]:
    """One history that ends with each kind."""
    walks = [np.array([(kind - 1) % N_KINDS + 1, kind + 1]) for kind in range(N_KINDS)]
    return np.zeros(N_KINDS, dtype=np.int32), Histories.of_items(walks)


@pytest.mark.parametrize("model_class", [SASRec, HSTU])
def test_by_features_alone_an_item_that_nobody_took_is_ranked_with_its_kind(shop, folder, model_class, tmp_path):
    settings = {**SMALL, "item_features": [folder], "item_ids": False}
    model = model_class(build(model_class.Config, settings)).fit(shop, training=TRAINING)
    scores = model.score(*asked())[:, 1:]
    best = np.argsort(-scores, axis=1)[:, :6]
    assert (KIND[best] == (np.arange(N_KINDS)[:, None] + 1) % N_KINDS).all(), "all six of the next kind come first"
    model.save(tmp_path / "model")
    folder.rename(folder.with_name("moved"))
    again = model_class.load(tmp_path / "model").score(*asked())
    folder.with_name("moved").rename(folder)
    np.testing.assert_allclose(again[:, 1:], scores, rtol=1e-5, atol=1e-5)


def test_beside_ids_features_bring_what_few_events_cannot_tell(shop, folder):
    def cold_rank(**settings: object) -> float:
        model = SASRec(build(SASRecConfig, {**SMALL, **settings})).fit(shop, training=TRAINING)
        scores = model.score(*asked())
        rows = [(KIND[item - 1] - 1) % N_KINDS for item in COLD]
        return float(np.mean([(scores[row] > scores[row, item]).sum() for row, item in zip(rows, COLD, strict=True)]))

    assert cold_rank(item_features=[folder]) < cold_rank() - 5


def test_semantic_ids_are_made_of_features(shop, folder):
    settings = {**SMALL, "item_features": [folder], "codebooks": {"levels": 1, "size": 5}, "beam": 30}
    model = TIGER(build(TIGER.Config, settings)).fit(shop, training=TRAINING.replace(epochs=1))
    digits = model.ids.digits[1:, 0]
    assert len({(int(digit), int(kind)) for digit, kind in zip(digits, KIND, strict=True)}) == N_KINDS


def test_features_of_other_items_and_no_features_at_all_are_refused(shop, folder):
    other = Dataset(shop.users, Vocabulary(np.arange(N_ITEMS) + 5000), shop.histories)
    with pytest.raises(DataError, match="knows none of the items"):
        item_feature_vectors(other, [folder])
    with pytest.raises(Exception, match="without item_ids there must be item_features"):
        build(SASRecConfig, {"item_ids": False})


def test_features_stand_beside_each_other_at_one_scale(shop, folder):
    vectors = item_feature_vectors(shop, [folder, folder])
    assert vectors.shape == (N_ITEMS + 1, 16)
    assert not vectors[0].any()
    assert np.linalg.norm(vectors[1:, :8], axis=1).mean() == pytest.approx(1, rel=1e-5)

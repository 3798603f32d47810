"""Histories that hold each item once: what follows is a new item, and its type says how far the shopper went."""

import numpy as np

from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.recommenders.sasrec import SASRec, SASRecConfig
from shopkeeper.training.settings import OptimizerSettings, TrainingSettings

VIEW, PURCHASE = EventType.VIEW.code, EventType.PURCHASE.code


def shop(n_users: int = 120) -> Dataset:
    """After item 1 everybody views item 2 and buys item 3, each item being viewed twice before."""
    items = np.tile(np.array([1, 1, 2, 2, 3, 3, 3], dtype=np.int32), n_users)
    codes = np.tile(np.array([VIEW] * 6 + [PURCHASE], dtype=np.uint8), n_users)
    offsets = np.arange(n_users + 1, dtype=np.int64) * 7
    histories = Histories(offsets, items, codes, np.arange(len(items), dtype=np.int64))
    return Dataset(Vocabulary(range(n_users)), Vocabulary("abc"), histories)


def fitted(**changes: object) -> SASRec:
    config = {"embedding_size": 16, "embedding_dropout": 0.0, "dropout": 0.0, "merge_events": True, **changes}
    training = TrainingSettings(
        epochs=20, batch_targets=32, device="cpu", optimizer=OptimizerSettings(learning_rate=0.01)
    )
    return SASRec(build(SASRecConfig, config)).fit(shop(), training=training)


def test_what_is_asked_for_decides_among_new_items():
    for word, best in (("view", 2), ("purchase", 3)):
        model = fitted(asked_type=word, horizon=2)
        scores = model.score(np.array([0], dtype=np.int32), Histories.of_items([[1]]))
        assert scores[0, 1:].argmax() + 1 == best


def test_what_repeats_says_no_more():
    model = fitted()
    users = np.zeros(2, dtype=np.int32)
    scores = model.score(users, Histories.of_items([[1, 2], [1, 1, 2, 2, 1]]))
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-5)

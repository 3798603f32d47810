"""Models that read placements: what comes next depends on where the shopper is, and on nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.bert4rec import BERT4Rec
from shopkeeper.recommenders.sasrec import SASRec
from shopkeeper.recommenders.sequence import SequenceRecommender
from shopkeeper.training.settings import OptimizerSettings, TrainingSettings

N_ITEMS, LENGTH = 6, 8
NAMES = Vocabulary(["app", "cart", "home", "mail", "search", "shelf"])
NOBODY = np.zeros(N_ITEMS, dtype=np.int32)
TRAINING = TrainingSettings(epochs=25, batch_targets=64, device="cpu", optimizer=OptimizerSettings(learning_rate=0.02))


def shop(n_users: int = 80) -> Dataset:
    """Items at random; at each event the shopper is where the item that follows is shown."""
    items = np.random.default_rng(0).integers(1, N_ITEMS + 1, (n_users, LENGTH + 1))
    placed = replace(Histories.of_items(list(items[:, :-1])), placement=items[:, 1:].astype(np.uint8).ravel())
    return Dataset(Vocabulary(range(n_users)), Vocabulary("abcdef"), placed, placements=NAMES)


def fitted(kind: type[SequenceRecommender], reads: bool, train: Dataset) -> SequenceRecommender:
    config = {"embedding_size": 16, "embedding_dropout": 0.0, "read_placements": reads, "repeats": False}
    return kind(build(kind.Config, config)).fit(train, training=TRAINING)


def asked() -> Histories:
    """The same item for all, each shopper in another place."""
    places = np.arange(1, N_ITEMS + 1, dtype=np.uint8)
    return replace(Histories.of_items([[2]] * N_ITEMS), placement=places)


def best(model: Recommender, histories: Histories) -> list[int]:
    return [int(place) for place in model.score(NOBODY[: len(histories)], histories)[:, 1:].argmax(axis=1) + 1]


@pytest.fixture(scope="module")
def model() -> SequenceRecommender:
    return fitted(SASRec, True, shop())


def test_the_placement_alone_tells_what_comes_next(model: SequenceRecommender) -> None:
    assert best(model, asked()) == list(range(1, N_ITEMS + 1))
    assert best(fitted(BERT4Rec, True, shop()), asked()) == list(range(1, N_ITEMS + 1))


def test_a_model_that_does_not_read_it_cannot_tell() -> None:
    assert len(set(best(fitted(SASRec, False, shop()), asked()))) == 1


def test_saved_and_loaded_it_answers_the_same(model: SequenceRecommender, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    loaded = SASRec.load(tmp_path / "model")
    assert loaded.train.placements == NAMES
    np.testing.assert_array_equal(loaded.score(NOBODY, asked()), model.score(NOBODY, asked()))


def test_one_by_one_they_get_the_same_as_together(model: SequenceRecommender) -> None:
    placed, unknown = asked(), Histories.of_items([[2], [3, 1]])
    together = model.score(np.zeros(N_ITEMS + 2, dtype=np.int32), Histories.joined([placed, unknown]))
    singly = [model.score(NOBODY[:1], part.slice(i, i + 1)) for part in (placed, unknown) for i in range(len(part))]
    np.testing.assert_allclose(together, np.concatenate(singly), rtol=1e-5, atol=1e-5)


def test_known_shoppers_are_answered_by_the_names_of_a_later_log(model: SequenceRecommender, tmp_path: Path) -> None:
    placed = replace(Histories.of_items([[2], [2], [2]]), placement=np.array([3, 1, 2], np.uint8))
    names = Vocabulary(["cart", "elsewhere", "mail"])
    model.save(tmp_path / "model")
    copy = SASRec.load(tmp_path / "model")
    copy.remember(Dataset(Vocabulary(range(3)), Vocabulary("abcdef"), placed, placements=names))
    assert copy.memory.histories.placement is not None
    assert copy.memory.histories.placement.tolist() == [4, 2, 0]
    answer = copy.recommend([0, 1], k=1, hide_seen=False)
    assert [answer.ids(0), answer.ids(1)] == [["d"], ["b"]]


def test_a_log_without_placements_is_refused(cycle: Dataset) -> None:
    with pytest.raises(DataError, match="no placement is known"):
        SASRec(build(SASRec.Config, {"read_placements": True})).fit(cycle, training=TRAINING)

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ConfigError
from shopkeeper.features.semantic_ids import Codebooks, CodebookSettings, SemanticIds
from shopkeeper.recommenders.candidates import Eligible
from shopkeeper.recommenders.item_codes import ItemCodes
from shopkeeper.recommenders.newcomers import Newcomers
from shopkeeper.recommenders.tiger import TIGER, TIGERConfig
from shopkeeper.training.settings import TrainingSettings

N_ITEMS, N_SHOPPERS, LENGTH = 30, 150, 8
SMALL = TIGERConfig(
    embedding_size=16, vector_size=16, codebooks=CodebookSettings(levels=2, size=4), beam=12, dropout=0.0,
    embedding_dropout=0.0,
)  # fmt: skip
TRAINING = TrainingSettings(epochs=20, batch_targets=64, device="cpu", seed=0)


@pytest.fixture(scope="module")
def circle() -> Dataset:
    """Everybody walks the same circle of items."""
    starts = np.random.default_rng(0).integers(0, N_ITEMS, N_SHOPPERS)
    walks = (starts[:, None] + np.arange(LENGTH)) % N_ITEMS + 1
    return Dataset(
        Vocabulary(np.arange(N_SHOPPERS)), Vocabulary(np.arange(N_ITEMS) + 500), Histories.of_items([*walks])
    )


@pytest.fixture(scope="module")
def model(circle: Dataset) -> TIGER:
    return TIGER(SMALL).fit(circle, training=TRAINING)


def asked(*walks: list[int]) -> tuple[np.ndarray, Histories]:
    return np.zeros(len(walks), dtype=np.int32), Histories.of_items([np.array(walk) for walk in walks])


def test_no_two_items_have_one_id_and_the_next_item_is_written(model):
    assert len(np.unique(model.ids.digits[1:], axis=0)) == N_ITEMS
    users, histories = asked(*([start, start + 1, start + 2] for start in range(1, 28)))
    best = model.score(users, histories).argmax(axis=1)
    assert (best == np.arange(4, 31)).mean() > 0.9


def test_the_beam_says_what_is_said_of_an_item_alone(model):
    users, histories = asked([1, 2, 3], [9, 10])
    scores = model.score(users, histories)
    assert np.isfinite(scores).sum(axis=1).tolist() == [12, 12]
    items = np.stack([np.flatnonzero(np.isfinite(row)) for row in scores]).astype(np.int32)
    alone = model.score_items(users, histories, items)
    np.testing.assert_allclose(np.take_along_axis(scores, items, axis=1), alone, rtol=1e-4, atol=1e-4)


def test_what_is_not_on_sale_never_comes_out_without_training_again(model):
    users, histories = asked([1, 2, 3], [9, 10], [20])
    on_sale = np.zeros(N_ITEMS + 1, dtype=bool)
    on_sale[5:12] = True
    hidden = [np.array([5], dtype=np.int32), np.zeros(0, dtype=np.int32), np.array([6, 7], dtype=np.int32)]
    found = model.candidates(users, histories, 10, Eligible.of(on_sale, hidden))
    assert [sorted(row[row > 0].tolist()) for row in found.item_index] == [
        [6, 7, 8, 9, 10, 11], [5, 6, 7, 8, 9, 10, 11], [5, 8, 9, 10, 11],
    ]  # fmt: skip
    again = model.candidates(users, histories, 10, Eligible.of(None, [hidden[1]] * 3))
    assert (again.item_index > 0).all() and not on_sale[again.item_index].all()


def test_threads_that_ask_for_different_items_get_those_of_their_own_lists(model):
    users, histories = asked(*([start, start + 1] for start in range(1, 20)))
    lists, nobody = [np.arange(N_ITEMS + 1) % 3 == part for part in range(3)], np.zeros(0, dtype=np.int32)

    def answer(part: int) -> bool:
        allowed = lists[part] & (np.arange(N_ITEMS + 1) > 0)
        found = model.candidates(users, histories, 8, Eligible(allowed, nobody, nobody)).item_index
        return bool(allowed[found].all()) and found.shape == (len(users), 8)

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(answer, [place % 3 for place in range(60)]))


def test_ids_that_no_number_can_hold_are_refused_before_training():
    with pytest.raises(ConfigError, match="too long"):
        build(TIGERConfig, {"codebooks": {"levels": 8, "size": 256}})


def test_an_autoencoder_can_choose_the_digits(circle):
    settings = SMALL.replace(quantizer="rqvae", codebooks=CodebookSettings(levels=2, size=4))
    model = TIGER(settings).fit(circle, training=TRAINING.replace(epochs=1))
    assert len(np.unique(model.ids.digits[1:], axis=0)) == N_ITEMS


def test_digits_start_at_the_mean_of_what_their_items_have_left():
    vectors = np.array([[9.0, 9.0], [1.0, 0.0], [3.0, 0.0], [0.0, 4.0]], dtype=np.float32)
    ids = SemanticIds.of(np.array([[0], [0], [1]], dtype=np.int32), (3,))
    books = Codebooks(np.zeros((1, 3, 2), dtype=np.float32), np.zeros(2, dtype=np.float32), False)
    codes = ItemCodes(vectors, 1.0, books, ids)
    assert codes.digit_means(2).tolist() == [[2, 0], [0, 4], [0, 0], [-0.5, 0], [1, 0]]


def test_a_newcomer_gets_an_id_by_the_frozen_codebooks_and_is_generated_like_what_it_is_like(circle, model):
    longer_train = circle.with_items([900, 901])
    alone = np.array([[15], [0]], dtype=np.int32)  # the first is like item 15, the second like nothing
    newcomers = Newcomers(longer_train, alone, (alone > 0).astype(np.float32))
    other = replace(newcomers, vectors=np.ones((2, 5), dtype=np.float32))  # what another model reads
    assert model.with_newcomers(other).ids.digits.tolist() == model.with_newcomers(newcomers).ids.digits.tolist()
    longer = model.with_newcomers(newcomers)
    assert longer.ids.digits[:31].tolist() == model.ids.digits.tolist()
    assert longer.ids.digits[31, :-1].tolist() == model.ids.digits[15, :-1].tolist()
    assert len(np.unique(longer.ids.digits[1:], axis=0)) == N_ITEMS + 2
    best = longer.recommend(histories=[[511, 512, 513]], k=12)[0]
    assert 900 in [one.item_id for one in best]
    assert longer.recommend(histories=[[511, 900]], k=3)[0]  # an event on a newcomer is read
    users, histories = asked([12, 13, 14])
    np.testing.assert_allclose(
        longer.score_items(users, histories, np.array([[15, 16]], dtype=np.int32)),
        model.score_items(users, histories, np.array([[15, 16]], dtype=np.int32)), atol=2.0,
    )  # fmt: skip
    assert model.train.n_items == N_ITEMS


def test_what_the_beam_finds_can_be_ordered_by_comparing_with_items_too(circle, tmp_path):
    settings = SMALL.replace(dense=1.0, own_embeddings=True, dense_share=1.0)
    model = TIGER(settings).fit(circle, training=TRAINING)
    users, histories = asked(*([start, start + 1, start + 2] for start in range(1, 28)))
    scores = model.score(users, histories)
    assert (scores.argmax(axis=1) == np.arange(4, 31)).mean() > 0.9
    table = model.item_vectors()
    state = next(iter(model._states(histories.slice(0, 1)))).hidden.numpy()[0]
    found = np.flatnonzero(np.isfinite(scores[0]))
    np.testing.assert_allclose(scores[0, found], table[found] @ state, rtol=1e-4, atol=1e-4)
    few = np.isin(np.arange(N_ITEMS + 1), [3, 4])
    items, values = model._generate(next(iter(model._states(histories.slice(0, 1)))).hidden, few, 12)
    assert sorted(items[0, :2].tolist()) == [3, 4]
    assert np.isneginf(values[0, 2:]).all()
    model.config = settings.replace(dense_share=0.25)
    both = model.score_items(users[:1], histories.slice(0, 1), found[None].astype(np.int32))[0]
    model.config = settings.replace(dense_share=0.0)
    alone = model.score_items(users[:1], histories.slice(0, 1), found[None].astype(np.int32))[0]
    np.testing.assert_allclose(both, 0.75 * alone + 0.25 * (table[found] @ state), rtol=1e-4, atol=1e-4)
    model.config = settings
    model.save(tmp_path / "model")
    again = TIGER.load(tmp_path / "model")
    np.testing.assert_array_equal(again.score(users, histories), scores)
    one = np.array([[15]], dtype=np.int32)
    longer = model.with_newcomers(Newcomers(circle.with_items([900]), one, np.ones((1, 1), dtype=np.float32)))
    assert [found.item_id for found in longer.similar_items([900], k=1)[0]] == [514]

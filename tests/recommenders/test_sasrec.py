from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.hiding import Hide
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.data.schema import EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ArtifactError, ConfigError, DataError
from shopkeeper.recommenders.candidates import Eligible
from shopkeeper.recommenders.sasrec import SASRec, SASRecConfig
from shopkeeper.training.next_item import NextItemObjective
from shopkeeper.training.settings import OptimizerSettings, TrainingSettings

SMALL = {"embedding_size": 16, "n_layers": 1, "dropout": 0.1, "embedding_dropout": 0.1, "max_length": 6}
FAST = TrainingSettings(
    epochs=12, device="cpu", batch_targets=32, patience=None, optimizer=OptimizerSettings(learning_rate=0.01)
)


def next_items(model: SASRec, n_items: int = 12) -> list[int]:
    """What the model says after three steps from each start on the circle."""
    walks = Histories.of_items([[(start + step) % n_items + 1 for step in range(3)] for start in range(n_items)])
    scores, _ = model.final_scores(np.zeros(n_items, dtype=np.int32), walks)
    return np.argmax(scores, axis=1).tolist()


CIRCLE = [(start + 3) % 12 + 1 for start in range(12)]


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "softmax"},
        {"loss": "softmax", "item_bias": True, "chunk_megabytes": 1e-4},
        {"loss": "sampled_softmax", "n_negatives": 8},
        {"loss": "sampled_softmax", "n_negatives": 8, "popularity_power": 0.5, "item_bias": True},
        {"loss": "sampled_softmax", "n_negatives": 8, "sparse_gradients": True, "item_bias": True},
        {"loss": "softmax", "smoothing": 0.1},
        {"loss": "softmax", "contrast": 0.1},
        {"loss": "softmax", "prefix_rows": True},
        {"loss": "sampled_softmax", "in_batch": True},
        {"loss": "sampled_softmax", "n_negatives": 11, "hardest": 4},
        {"loss": "bce", "n_negatives": 8},
        {"loss": "gbce", "n_negatives": 8},
        {"loss": "bpr", "n_negatives": 8},
        {"loss": "mse", "n_negatives": 8},
        {"read_gaps": True, "read_calendar": True},
        {"max_length": 3},
        {"max_length": 4, "overlap": 2},
    ],
    ids=str,
)
def test_learns_the_circle(cycle: Dataset, changes):
    model = SASRec(build(SASRecConfig, {**SMALL, **changes})).fit(cycle, training=FAST)
    assert next_items(model) == CIRCLE


def test_learns_where_shoppers_buy_again():
    shop = Dataset(Vocabulary(range(40)), Vocabulary(range(1, 13)),
                   Histories.of_items([[user % 12 + 1] * 6 for user in range(40)]))  # fmt: skip
    model = SASRec(build(SASRecConfig, SMALL)).fit(shop, training=FAST)
    asked = Histories.of_items([[item] * 3 for item in range(1, 13)])
    scores, _ = model.final_scores(np.zeros(12, dtype=np.int32), asked, hide=Hide.NONE)
    assert np.argmax(scores, axis=1).tolist() == list(range(1, 13))


def test_rows_at_the_same_time_have_no_order():
    """Baskets of two, sorted by item: 1 2, then 3 4, then 1 2 ... What follows 1 is 3 or 4, and never 2."""
    histories = Histories.of_items([[1, 2, 3, 4] * 3, [3, 4, 1, 2] * 3] * 10)
    shop = Dataset(Vocabulary(range(20)), Vocabulary(range(1, 5)),
                   replace(histories, timestamp=histories.timestamp // 2_000_000))  # fmt: skip
    asked = Histories.of_items([[1], [3, 4, 1], [1, 2, 3]])
    model = SASRec(build(SASRecConfig, SMALL)).fit(shop, training=FAST)
    scores, _ = model.final_scores(np.zeros(3, dtype=np.int32), asked, hide=Hide.NONE)
    assert [set(row[:2] + 1) for row in np.argsort(-scores[:, 1:], axis=1)] == [{3, 4}, {3, 4}, {1, 2}]
    model = SASRec(build(SASRecConfig, {**SMALL, "ties": "keep"})).fit(shop, training=FAST)
    scores, _ = model.final_scores(np.zeros(3, dtype=np.int32), asked, hide=Hide.NONE)
    assert np.argmax(scores, axis=1).tolist() == [2, 2, 4]


def test_shoppers_with_one_event_each_cannot_be_learned_from(cycle: Dataset):
    single = Dataset(Vocabulary(range(3)), Vocabulary(range(1, 4)), Histories.of_items([[1], [2], [3]]))
    with pytest.raises(DataError, match=r"nothing to train on(.|\n)*to do"):
        SASRec().fit(single, training=FAST)


def test_only_the_last_events_are_read(cycle: Dataset):
    model = SASRec(build(SASRecConfig, SMALL)).fit(cycle, training=FAST.replace(epochs=1))
    long = Histories.of_items([[9, 8, 7, 1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]])
    scores = model.score(np.zeros(2, dtype=np.int32), long)
    assert scores.dtype == np.float32
    assert scores.shape == (2, 13)
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-5)


def test_impressions_and_returns_are_passed_over(cycle: Dataset):
    model = SASRec(build(SASRecConfig, SMALL)).fit(cycle, training=FAST.replace(epochs=1))
    mixed = Histories.of_items([[1, 7, 2, 8]])
    types = np.array([EventType.VIEW.code, EventType.IMPRESSION.code, EventType.CART.code, EventType.RETURN.code])
    mixed = replace(mixed, event_type=types.astype(np.uint8))
    plain = Histories.of_items([[1, 2], []])
    expected = model.score(np.zeros(2, dtype=np.int32), plain)
    np.testing.assert_allclose(model.score(np.zeros(1, dtype=np.int32), mixed)[0], expected[0], rtol=1e-5)
    assert np.isneginf(expected[1]).all(), "nothing to say without events"


def test_histories_of_many_lengths_are_scored_like_each_alone(cycle: Dataset, monkeypatch):
    monkeypatch.setattr("shopkeeper.recommenders.sequence.ENCODED_PLACES", 12)
    model = SASRec(build(SASRecConfig, SMALL)).fit(cycle, training=FAST.replace(epochs=1))
    rows = [[1, 2, 3], [4], [], [5, 6, 7, 8, 9, 10], [2, 1], [3], [9, 9, 9, 9]]
    together = model.score(np.zeros(len(rows), dtype=np.int32), Histories.of_items(rows))
    for place, row in enumerate(rows):
        alone = model.score(np.zeros(1, dtype=np.int32), Histories.of_items([row]))
        np.testing.assert_allclose(together[place], alone[0], rtol=1e-4, atol=1e-6)


def test_similarity_is_the_cosine_of_embeddings(cycle: Dataset):
    model = SASRec(build(SASRecConfig, SMALL)).fit(cycle, training=FAST.replace(epochs=1))
    table = model.state()["items.embedding.weight"]
    similarity = model.similarity(np.array([3, 5], dtype=np.int32))
    assert similarity.shape == (2, 13)
    np.testing.assert_allclose(np.diag(similarity[:, [3, 5]]), 1, rtol=1e-5)
    cosine = table[3] @ table[7] / np.linalg.norm(table[3]) / np.linalg.norm(table[7])
    assert similarity[0, 7] == pytest.approx(cosine, rel=1e-4)


def test_validation_stops_early_and_keeps_the_best(cycle: Dataset):
    walks = [[(start + step) % 12 + 1 for step in range(3)] for start in range(12)]
    holdout = Holdout(
        user_ids=cycle.users.arrow.slice(0, 12),
        user_index=np.arange(1, 13, dtype=np.int32),
        histories=Histories.of_items(walks),
        targets=Histories.of_items([[item] for item in CIRCLE]),
    )
    model = SASRec(build(SASRecConfig, SMALL)).fit(cycle, holdout, FAST.replace(epochs=50, patience=3))
    result = model.training_result
    assert result.best_validation == 1.0
    assert len(result.history) == result.best_epoch + 3 < 50
    assert next_items(model) == CIRCLE


def test_resumes_and_refuses_the_checkpoint_of_other_data(cycle: Dataset, tmp_path):
    chosen = FAST.replace(epochs=2, checkpoint_folder=tmp_path)
    first = SASRec(build(SASRecConfig, SMALL)).fit(cycle, training=chosen)
    again = SASRec(build(SASRecConfig, SMALL)).fit(cycle, training=chosen)
    assert again.training_result == first.training_result
    with pytest.raises(ConfigError, match=r"model\.n_layers"):
        SASRec(build(SASRecConfig, {**SMALL, "n_layers": 2})).fit(cycle, training=chosen)
    with pytest.raises(ConfigError, match="data_hash"):
        SASRec(build(SASRecConfig, SMALL)).fit(cycle.select(cycle.histories.rows > 0), training=chosen)


class WentDownError(Exception):
    """The machine went down."""


@pytest.mark.parametrize("loss", ["softmax", "sampled_softmax"])
def test_interrupted_in_the_middle_of_an_epoch_and_resumed_ends_with_the_same_weights(
    cycle: Dataset, tmp_path, monkeypatch, loss
):
    settings = build(SASRecConfig, {**SMALL, "loss": loss, "n_negatives": 8, "contrast": 0.1})
    training = FAST.replace(epochs=3, checkpoint_steps=2, average_decay=0.9)
    whole = SASRec(settings).fit(cycle, training=training)
    kept = NextItemObjective.loss
    calls = 0

    def goes_down(self: NextItemObjective, *batch: object) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls > 20:
            raise WentDownError
        return kept(self, *batch)

    with monkeypatch.context() as patch, pytest.raises(WentDownError):
        patch.setattr(NextItemObjective, "loss", goes_down)
        SASRec(settings).fit(cycle, training=training.replace(checkpoint_folder=tmp_path))
    resumed = SASRec(settings).fit(cycle, training=training.replace(checkpoint_folder=tmp_path))
    for name, values in whole.state().items():
        np.testing.assert_array_equal(resumed.state()[name], values, err_msg=name)


def test_the_callers_random_numbers_stay(cycle: Dataset):
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    SASRec(build(SASRecConfig, SMALL)).fit(cycle, training=FAST.replace(epochs=1))
    assert torch.equal(torch.rand(2), expected)


def test_settings_that_do_not_go_together_are_refused():
    with pytest.raises(ConfigError, match="divide"):
        build(SASRecConfig, {"embedding_size": 10, "n_heads": 3})
    with pytest.raises(ConfigError, match="overlap"):
        build(SASRecConfig, {"max_length": 10, "overlap": 10})
    with pytest.raises(ConfigError, match="smoothing is of the softmax"):
        build(SASRecConfig, {"loss": "bpr", "smoothing": 0.1})
    with pytest.raises(ConfigError, match="choose from a sample"):
        build(SASRecConfig, {"loss": "softmax", "hardest": 10})


def test_large_catalogs_sample_and_very_large_ones_have_sparse_gradients():
    def chosen(n_items: int, **changes) -> tuple[str, bool]:
        model = SASRec(build(SASRecConfig, changes))
        model._train = Dataset(Vocabulary([1]), Vocabulary(range(n_items)), Histories.of_items([[1, 2]]))
        return model._loss().name, model._sparse()

    assert chosen(1000) == ("softmax", False)
    assert chosen(60_000) == ("sampled_softmax", False)
    assert chosen(200_000) == ("sampled_softmax", True)
    assert chosen(200_000, loss="softmax") == ("softmax", False)


@pytest.mark.slow
@pytest.mark.shared_data
def test_beauty_learns_within_two_epochs(shared_data):
    lines = (shared_data / "amazon-beauty/sequences.txt").read_text().splitlines()
    rows = [np.array(line.split()[1:], dtype=np.int32) for line in lines]
    shop = Dataset(
        Vocabulary(range(len(rows))), Vocabulary(range(1, 12_102)), Histories.of_items([r[:-2] for r in rows])
    )
    holdout = Holdout(
        user_ids=shop.users.arrow,
        user_index=np.arange(1, len(rows) + 1, dtype=np.int32),
        histories=shop.histories,
        targets=Histories.of_items([row[-2:-1] for row in rows]),
    )
    model = SASRec().fit(shop, holdout, TrainingSettings(epochs=2, device="cpu", validation_users=3000))
    assert model.training_result.best_validation > 0.018


def test_weights_of_another_network_are_refused(cycle):
    model = SASRec().fit(cycle, training=TrainingSettings(epochs=1, device="cpu"))
    state = {name: values[..., :1] for name, values in model.state().items()}
    with pytest.raises(ArtifactError, match="do not fit"):
        model.restore(state)


def test_similarity_is_the_cosine_of_the_vectors_that_the_index_takes(cycle):
    model = SASRec().fit(cycle, training=TrainingSettings(epochs=1, device="cpu"))
    vectors = model.item_vectors()
    assert vectors.shape == (cycle.n_items + 1, 64)
    unit = vectors[1:] / np.linalg.norm(vectors[1:], axis=1, keepdims=True)
    np.testing.assert_allclose(model.similarity(np.array([3], dtype=np.int32))[0, 1:], unit @ unit[2], atol=1e-5)


def test_single_scores_hold_biases_and_repeats(cycle: Dataset):
    model = SASRec(SASRecConfig(**SMALL, repeats=True, item_bias=True)).fit(cycle, training=FAST)
    users, asked = np.zeros(3, np.int32), Histories.of_items([[3, 5, 3], [7], []])
    items = np.array([[3, 5, 1], [7, 8, 2], [1, 2, 3]], dtype=np.int32)
    expected = np.take_along_axis(model.score(users, asked), items.astype(np.int64), axis=1)
    np.testing.assert_allclose(model.score_items(users, asked, items), expected, rtol=1e-4, atol=1e-5)
    found = model.candidates(users, asked, 4, Eligible.of(None, [np.zeros(0, np.int32)] * 3))
    dense = model.score(users, asked)[:, 1:]
    np.testing.assert_allclose(found.scores[:2], -np.sort(-dense, axis=1)[:2, :4], rtol=1e-4, atol=1e-5)

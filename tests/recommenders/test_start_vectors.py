from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.recommenders import sequence
from shopkeeper.recommenders.estimate import n_pairs_within
from shopkeeper.recommenders.sasrec import SASRec, SASRecConfig
from shopkeeper.recommenders.start_vectors import STD, pair_window, positive_information, start_for, start_vectors
from shopkeeper.training.settings import TrainingSettings


def walks(*rows: list[int], n_items: int) -> Dataset:
    return Dataset(Vocabulary(range(len(rows))), Vocabulary(range(1, n_items + 1)), Histories.of_items(rows))


def test_items_taken_together_start_near_each_other():
    generator = np.random.default_rng(0)
    rows = [generator.choice(np.arange(1, 6) + 5 * (place % 3), 4, replace=False).tolist() for place in range(300)]
    vectors = start_vectors(walks(*rows, n_items=16), 8)
    assert vectors.shape == (17, 8)
    assert not vectors[0].any()
    assert not vectors[16].any(), "of an item without a neighbor nothing is known"
    assert np.isclose(vectors[1:16].std(), STD)
    near = vectors[1:16] @ vectors[1:16].T
    same = np.kron(np.eye(3), np.ones((5, 5))).astype(bool)
    assert near[same].min() > near[~same].max()


def test_more_dimensions_than_items_are_zeros():
    vectors = start_vectors(walks([1, 2, 3], n_items=3), 9)
    assert vectors.shape == (4, 9)
    assert not vectors[:, 3:].any()
    assert not start_vectors(walks([1], [2], n_items=2), 4).any()


def test_the_seed_decides():
    log = walks([1, 2, 3, 4], [2, 4, 1], [3, 1], n_items=4)
    found = []
    for seed in (0, 0):
        torch.manual_seed(seed)
        found.append(start_vectors(log, 3))
    np.testing.assert_array_equal(*found)


def test_information_by_eye():
    counts = csr_array(np.array([[0.0, 4.0, 1.0], [4.0, 0.0, 0.0], [1.0, 0.0, 0.0]], dtype=np.float32))
    others = np.array([5.0, 4.0, 1.0]) ** 0.75
    others /= others.sum()
    expected = np.log([4 / (5 * others[1]), 1 / (5 * others[2])])
    found = positive_information(counts).toarray()
    np.testing.assert_allclose(found[0, 1:], np.maximum(expected, 0), rtol=1e-5)
    np.testing.assert_allclose(found[1], [np.log(1 / others[0]), 0, 0], rtol=1e-5)


def test_long_logs_count_near_pairs_alone():
    def histories(n_users: int, length: int) -> Histories:
        offsets = np.arange(n_users + 1, dtype=np.int64) * length
        items = np.ones(n_users * length, dtype=np.int32)
        return Histories(offsets, items, items.astype(np.uint8), items.astype(np.int64))

    assert pair_window(histories(1_000, 30)) == 20
    for n_users, length in ((10_000, 100), (200_000, 20), (1_000_000, 20)):
        window = pair_window(histories(n_users, length))
        assert window < 20
        assert window == 1 or n_pairs_within(histories(n_users, length), window) <= 3_000_000


def test_much_of_the_log_being_repeats_starts_at_random():
    once = walks([1, 2, 3, 4, 5], [5, 4, 3, 2, 1], n_items=5).histories
    again = walks([1, 2, 1, 2, 1], [5, 4, 5, 4, 5], n_items=5).histories
    assert start_for(once, 0.0) == ("links", "0.0% of the events repeat an item of the shopper, random from 20% on")
    assert start_for(again, 0.0)[0] == "random"
    assert start_for(again, 4.0) == ("links", "content_start is set")


@pytest.mark.parametrize("given", ["auto", "links", "random"])
def test_the_setting_overrides_the_log(given: str, monkeypatch: pytest.MonkeyPatch):
    again = walks(*[[1, 2, 1, 2, 1]] * 5, n_items=2)
    asked = []
    monkeypatch.setattr(sequence, "start_vectors", lambda *_: asked.append(1) or np.zeros((3, 8), np.float32))
    config = SASRecConfig(embedding_size=8, n_heads=1, item_start=given)
    model = SASRec(config).fit(again, training=TrainingSettings(epochs=1))
    assert bool(asked) == (given == "links")
    assert model.item_start == ("random" if given == "auto" else given)
    assert ("item_start" in model.decided) == (given == "auto")
    if given == "auto":
        assert model.decided["item_start"].startswith('"random", because 60.0% of the events repeat')
        assert model.decided["repeats"] == "true, because seen items are shown"

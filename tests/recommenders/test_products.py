"""Sums do not hang on the shape of the batch: items of almost one score keep their order whoever asks beside."""

from __future__ import annotations

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.recommenders.als import ALS
from shopkeeper.recommenders.products import BLOCK, inner_products


def test_products_are_those_of_exact_numbers_rounded_once() -> None:
    generator = np.random.default_rng(0)
    left, rows = generator.normal(size=(2, 8)), generator.normal(size=(BLOCK + 5, 8)).astype(np.float32)
    expected = (left[:, None] * rows.astype(np.float64)).sum(axis=2)
    np.testing.assert_allclose(inner_products(left, rows), expected, rtol=1e-5, atol=1e-6)
    assert inner_products(left, rows).dtype == np.float32


def test_items_that_nobody_took_keep_their_order_whoever_asks() -> None:
    """Their scores are next to nothing and next to each other."""
    generator = np.random.default_rng(2)
    walks = [generator.integers(1, 60, generator.integers(1, 30)).astype(np.int32) for _ in range(60)]
    shop = Dataset(Vocabulary(range(60)), Vocabulary(range(1, 301)), Histories.of_items(walks))
    model = ALS().fit(shop)
    together = model.recommend(list(range(60)), k=300, hide_seen=False).item_index
    for user in range(0, 60, 7):
        alone = model.recommend([user], k=300, hide_seen=False).item_index
        np.testing.assert_array_equal(alone[0], together[user])

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.recommenders import tifu_knn
from shopkeeper.recommenders.tifu_knn import TIFUKNN, TIFUKNNConfig

N_ITEMS = 4
Baskets = list[list[int]]
baskets = st.lists(st.lists(st.integers(1, N_ITEMS), min_size=1, max_size=3), min_size=1, max_size=6)


def histories(shoppers: list[Baskets]) -> Histories:
    """Baskets a second apart, the items of one at the same time."""
    found = Histories.of_items([[item for basket in each for item in basket] for each in shoppers])
    times = [second * 1_000_000 for each in shoppers for second, basket in enumerate(each) for _ in basket]
    return replace(found, timestamp=np.array(times, dtype=np.int64))


def shop(shoppers: list[Baskets]) -> Dataset:
    return Dataset(Vocabulary(range(len(shoppers))), Vocabulary(range(1, N_ITEMS + 1)), histories(shoppers))


def frequencies(each: Baskets, size: int, basket_decay: float, group_decay: float) -> np.ndarray:
    """The mean over groups of the mean over baskets, both decayed, group by group."""
    newest_first = each[::-1]
    groups = [newest_first[start : start + size] for start in range(0, len(each), size)]
    total = np.zeros(N_ITEMS + 1)
    for group_back, group in enumerate(groups):
        inner = np.zeros(N_ITEMS + 1)
        for back, basket in enumerate(group):
            for item in basket:
                inner[item] += basket_decay**back
        total += group_decay**group_back * inner / len(group)
    return total / len(groups)


@settings(max_examples=50)
@given(st.lists(baskets, min_size=2, max_size=6), st.integers(1, 3), st.integers(1, 3))
def test_equals_loops_over_baskets_and_shoppers(shoppers, size, neighbors):
    config = TIFUKNNConfig(
        group_size=size, basket_decay=0.8, group_decay=0.5, own_share=0.6, neighbors=neighbors, hide_seen=False
    )
    model = TIFUKNN(config).fit(shop(shoppers))
    vectors = np.array([frequencies(each, size, 0.8, 0.5) for each in shoppers])
    users = np.arange(1, len(shoppers) + 1, dtype=np.int32)
    found = model.score(users, histories(shoppers))
    for user, vector in enumerate(vectors):
        near = [other for other in range(len(vectors)) if other != user and vectors[other] @ vector > 0]
        near.sort(key=lambda other: round(float(((vectors[other] - vector) ** 2).sum()), 5))
        distances = [round(float(((vectors[other] - vector) ** 2).sum()), 5) for other in near]
        if len(near) > neighbors and distances[neighbors] == distances[neighbors - 1]:
            continue  # which of equally near shoppers is averaged is left open
        mean = vectors[near[:neighbors]].mean(axis=0) if near else np.zeros(N_ITEMS + 1)
        expected = 0.6 * vector + 0.4 * mean
        np.testing.assert_allclose(np.where(np.isneginf(found[user]), 0, found[user]), expected, rtol=1e-3, atol=1e-5)


def test_what_is_taken_in_every_basket_comes_first_and_seen_items_are_shown_where_shoppers_come_back():
    model = TIFUKNN().fit(shop([[[1, 2], [1, 3], [1]], [[2, 4], [2]], [[1], [4], [1]]]))
    assert not model.hide_seen
    assert model.recommend([0], k=1).ids(0) == [1]


def test_neighbors_bring_what_the_shopper_never_took():
    model = TIFUKNN(TIFUKNNConfig(own_share=0.5)).fit(shop([[[1], [2]], [[1], [2], [3]], [[4]]]))
    answer = model.recommend([0], k=4, hide_seen=True)[0]
    assert (answer[0].item_id, answer[0].source) == (3, "TIFUKNN")
    assert answer[1].source == "MostPopular"


def test_a_shopper_is_no_neighbor_of_herself():
    model = TIFUKNN(TIFUKNNConfig(own_share=0.0)).fit(shop([[[1]], [[2]]]))
    assert np.isneginf(model.score(np.array([1], dtype=np.int32), histories([[[1]]]))[0, 1:]).all()
    assert model.score(np.array([0], dtype=np.int32), histories([[[1]]]))[0, 1] > 0


def test_neighbors_are_sought_among_those_who_came_last():
    log = shop([[[1, 2]], [[1, 3]], [[4]]])
    times = log.histories.timestamp + log.histories.rows * 10
    model = TIFUKNN(TIFUKNNConfig(shoppers=2)).fit(replace(log, histories=replace(log.histories, timestamp=times)))
    assert model.owners.tolist() == [2, 3]


@pytest.mark.parametrize("products", [1, 3])
def test_blocks_do_not_change_the_answer(monkeypatch, products):
    shoppers = [[[1], [2, 3]], [[1, 4]], [[2], [2]], [[3, 4]]]
    model = TIFUKNN().fit(shop(shoppers))
    users = np.arange(1, 5, dtype=np.int32)
    whole = model.score(users, histories(shoppers))
    monkeypatch.setattr(tifu_knn, "BLOCK_PRODUCTS", products)
    np.testing.assert_array_equal(model.score(users, histories(shoppers)), whole)

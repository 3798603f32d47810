"""Items to ask a new shopper about."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.pipeline import questionnaire as module
from shopkeeper.pipeline.questionnaire import questionnaire, taken_items

ROWS = [[1, 2, 1]] * 5 + [[1, 2]] + [[1]] + [[3, 1]] + [[3]] * 3 + [[4]]
"""Eight took item 1, six of them 2 as well; 3 was taken by four, three of whom took nothing else; 5 by nobody."""


def log(rows: list[list[int]], n_items: int = 5) -> Dataset:
    return Dataset(Vocabulary(range(len(rows))), Vocabulary(range(n_items)), Histories.of_items(rows))


def test_what_others_know_comes_before_what_the_same_people_know() -> None:
    taken = taken_items(log(ROWS))
    assert np.diff(taken.indptr).tolist() == [0, 8, 6, 4, 1, 0]
    assert questionnaire(taken, np.arange(6) > 0, 3).tolist() == [1, 3, 2]


def test_each_item_comes_once_and_never_what_is_not_allowed_or_nobody_took() -> None:
    taken = taken_items(log(ROWS))
    assert questionnaire(taken, np.arange(6) > 0, 99).tolist() == [1, 3, 2, 4]
    assert questionnaire(taken, np.arange(6) > 1, 99).tolist() == [2, 3, 4]
    assert questionnaire(taken, np.zeros(6, dtype=bool), 3).tolist() == []


def test_of_many_shoppers_a_fixed_sample_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHOPPERS", 4)
    taken = taken_items(log(ROWS))
    assert taken.shape == (4, 6)
    assert (taken != taken_items(log(ROWS))).nnz == 0


def test_more_shoppers_know_one_of_them_than_of_the_most_popular_ones() -> None:
    """Half of the shoppers take many of ten items, the others one of five that are less popular each."""
    rng = np.random.default_rng(0)
    many = [rng.choice(10, 6, replace=False) + 1 for _ in range(100)]
    others = [[11 + user % 5] for user in range(100)]
    taken = taken_items(log([*map(list, many), *others], n_items=15))
    chosen = questionnaire(taken, np.arange(16) > 0, 6)
    popular = np.argsort(-np.diff(taken.indptr), kind="stable")[:6]
    know = [float((taken[:, items].sum(axis=1) > 0).mean()) for items in (chosen, popular)]
    assert know[0] > 0.65 > know[1]

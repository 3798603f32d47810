"""The questions of a split in the vocabulary of a model that was trained on another log."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.split import questions_for, split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.data.vocabulary import Vocabulary

SETTINGS = SplitSettings(kind="leave_one_out", max_users=20)


@pytest.mark.parametrize("part", ["validation", "test"])
def test_in_the_own_vocabulary_they_are_those_of_the_split(cycle: Dataset, part: str) -> None:
    parts = split(cycle, SETTINGS)
    expected = parts.validation if part == "validation" else parts.test
    found = questions_for(cycle, SETTINGS, part, parts.train.users, parts.train.items)  # type: ignore[arg-type]
    assert found.user_ids.equals(expected.user_ids)
    assert found.user_index.tolist() == expected.user_index.tolist()
    for one, other in ((found.histories, expected.histories), (found.targets, expected.targets)):
        assert one.item_index.tolist() == other.item_index.tolist()
        assert one.timestamp.tolist() == other.timestamp.tolist()


def test_what_the_other_model_does_not_know_is_missing_or_missed(cycle: Dataset) -> None:
    own = questions_for(cycle, SETTINGS, "test", cycle.users, cycle.items)
    some = Vocabulary(cycle.items.arrow.take(np.arange(0, 12, 2)))
    found = questions_for(cycle, SETTINGS, "test", Vocabulary(range(110, 120)), some)
    assert found.user_ids.equals(own.user_ids)
    assert found.user_index.tolist() == [max(0, index - 10) if index <= 20 else 0 for index in own.user_index]
    known = own.histories.item_index % 2 == 1
    assert found.histories.item_index.tolist() == ((own.histories.item_index[known] + 1) // 2).tolist()
    assert found.ignored_history_events == np.count_nonzero(~known)
    expected = np.where(own.targets.item_index % 2 == 1, (own.targets.item_index + 1) // 2, 0)
    assert found.targets.item_index.tolist() == expected.tolist()


def test_placements_are_told_in_the_words_of_the_other_model(cycle: Dataset) -> None:
    codes = (np.arange(cycle.n_events) % 4).astype(np.uint8)
    placed = replace(
        cycle, histories=replace(cycle.histories, placement=codes), placements=Vocabulary(["app", "cart", "mail"])
    )
    own = split(placed, SETTINGS).test
    found = questions_for(placed, SETTINGS, "test", cycle.users, cycle.items, Vocabulary(["cart", "shelf"]))
    assert own.histories.placement is not None
    assert found.histories.placement is not None
    assert found.histories.placement.tolist() == np.where(own.histories.placement == 2, 1, 0).tolist()
    assert questions_for(placed, SETTINGS, "test", cycle.users, cycle.items).histories.placement is None

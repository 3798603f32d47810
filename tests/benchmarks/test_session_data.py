"""Reading sessions and carving the validation part."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import pytest

from shopkeeper.errors import DataError

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.session_data import load


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "train_sessions.csv").write_text("1 2\n2 3 3\n5 1\n3 9 1 2\n9 7\n")
    (tmp_path / "test_prefix_target.csv").write_text("1 2 1,3\n1 2,1\n1,2\n5,7\n5 5,1\n5,5\n")
    return tmp_path


def test_the_last_sessions_are_the_validation_part_and_ask_every_beginning(folder):
    parts = load(folder, 0.4)
    assert parts.train.items.arrow.to_pylist() == [1, 2, 3, 5]
    assert parts.everything.items.arrow.to_pylist() == [1, 2, 3, 5, 7, 9]
    asked = parts.validation
    assert asked.targets.tolist() == [1, 2]  # item 9 is unknown to training; a session of one event asks nothing
    holdout = asked.holdout(parts.train.items)
    assert [holdout.histories.items_of(place).tolist() for place in range(2)] == [[3], [3, 1]]
    assert holdout.targets.item_index.tolist() == [1, 2]


def test_the_test_part_is_asked_as_the_file_does_and_later_than_all_sessions(folder):
    parts = load(folder, 0.4)
    holdout = parts.test.holdout(parts.train.items)
    assert holdout.histories.items_of(0).tolist() == [1, 2, 1]
    assert holdout.targets.item_index.tolist() == [3, 1, 2, 0, 1, 4]
    assert parts.test.session.tolist() == [0, 0, 0, 1, 2, 2]
    assert parts.test.repeat_share() == pytest.approx(2 / 6)
    assert holdout.histories.timestamp.min() > parts.everything.histories.timestamp.max()


def test_sessions_keep_their_order_and_repeats(folder):
    train = load(folder, 0.4).train
    assert train.histories.items_of(1).tolist() == [2, 3, 3]
    assert (train.histories.timestamp[1:] > train.histories.timestamp[:-1]).all()


def test_a_folder_or_share_that_will_not_do_says_so(folder):
    with pytest.raises(DataError, match="would be empty"):
        load(folder, 1.0)
    (folder / "train_sessions.csv").unlink()
    with pytest.raises(DataError, match=r"no train_sessions\.csv"):
        load(folder, 0.4)


def test_a_sample_keeps_questions_together_with_their_targets(folder):
    questions = load(folder, 0.4).test
    some = questions.sample(3)
    whole = {(tuple(prefix), target) for prefix, target in pairs(questions)}
    assert len(some.targets) == 3
    assert {(tuple(prefix), target) for prefix, target in pairs(some)} <= whole
    assert some.session.tolist()[0] == 0
    assert questions.sample(99) is questions


def pairs(questions) -> list[tuple[list[int], int]]:
    events = questions.prefixes.items
    prefixes = [events[first:last].tolist() for first, last in pairwise(questions.prefixes.offsets)]
    return list(zip(prefixes, questions.targets.tolist(), strict=True))

import numpy as np
import pytest

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.schema import EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.recommenders.questions import FEW, ask, indices_of


def test_known_shoppers_are_answered_from_memory(cycle: Dataset):
    memory = cycle.select(cycle.histories.rows != 1)
    question = ask(cycle, memory, [101, 100, None, "100"], None)
    assert question.user_index.tolist() == [2, 1, 0, 0]
    assert question.histories.lengths.tolist() == [0, 8, 0, 0]
    np.testing.assert_array_equal(question.histories.items_of(1), cycle.histories.items_of(0))


def test_a_given_history_replaces_the_known_one(cycle: Dataset):
    question = ask(cycle, cycle, [100], [["item-04", "item-02"]])
    assert question.user_index.tolist() == [1]
    assert question.histories.items_of(0).tolist() == [4, 2]


def test_unknown_items_are_reported_for_the_history_they_stand_in(cycle: Dataset):
    rows = [[], ["x", "item-01"], [], ["item-02", 3], ["y", "z"]]
    question = ask(cycle, cycle, None, rows)
    assert question.ignored == [[], ["x"], [], [3], ["y", "z"]]
    assert question.histories.lengths.tolist() == [0, 1, 0, 1, 0]


def test_given_events_take_the_type_asked_for(cycle: Dataset):
    question = ask(cycle, cycle, None, [["item-01"]], EventType.PURCHASE)
    assert question.histories.event_type.tolist() == [EventType.PURCHASE.code]


@pytest.mark.parametrize("n", [1, FEW, FEW + 1, 3 * FEW])
def test_many_and_few_ids_are_looked_up_alike(n):
    vocabulary = Vocabulary(range(10, 20))
    ids = [5 + place % 20 for place in range(n)]
    expected = [value - 9 if 10 <= value < 20 else 0 for value in ids]
    assert indices_of(vocabulary, ids).tolist() == expected
    mixed = [*ids, "10", None]
    assert indices_of(vocabulary, mixed).tolist() == [*expected, 0, 0]

import numpy as np
import pytest
from cleaning_logs import log_of, words
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.data.cleaning.duplicates import duplicates, near_duplicates
from shopkeeper.data.schema import EventType


def test_only_the_first_of_equal_rows_stays():
    log = log_of([(1, 7, 0), (1, 7, 0), (1, 8, 0), (1, 7, 0), (1, 7, 5), (2, 7, 5)])
    assert words(duplicates(log).reason) == ["", "duplicate", "", "duplicate", "", ""]


def test_another_type_is_no_duplicate():
    log = log_of([(1, 7, 0, EventType.VIEW), (1, 7, 0, EventType.CART)])
    assert words(duplicates(log).reason) == ["", ""]


@pytest.mark.parametrize("column", ["quantity", "price", "session"])
def test_another_quantity_price_or_session_is_no_duplicate(column):
    log = log_of([(1, 7, 0), (1, 7, 0), (1, 7, 0)])
    kind = np.int32 if column == "session" else np.float32
    setattr(log, column, np.array([1, 2, 1], dtype=kind))
    assert words(duplicates(log).reason) == ["", "", "duplicate"]


def test_unknown_quantities_are_equal():
    log = log_of([(1, 7, 0), (1, 7, 0)], quantity=True)
    assert words(duplicates(log).reason) == ["", "duplicate"]


def test_a_chain_of_repeats_counts_as_one_event():
    log = log_of([(1, 7, 0), (1, 8, 1), (1, 7, 2), (1, 7, 4), (1, 7, 7)])
    assert words(near_duplicates(log, 2).reason) == ["", "", "near_duplicate", "near_duplicate", ""]


def test_near_duplicates_are_of_one_user_item_and_type():
    log = log_of([(1, 7, 0), (1, 8, 1), (1, 7, 1, EventType.CART), (2, 7, 1)])
    assert words(near_duplicates(log, 2).reason) == [""] * 4


def test_an_empty_log_and_one_event_have_no_duplicates():
    for rows in ([], [(1, 1, 0)]):
        assert not duplicates(log_of(rows)).reason.any()
        assert not near_duplicates(log_of(rows), 1).reason.any()


events = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(0, 6)), max_size=40).map(
    lambda rows: sorted(rows, key=lambda row: (row[0], row[2]))
)


@given(events)
def test_duplicates_agree_with_a_set(rows):
    seen: set[tuple[int, int, int]] = set()
    expected = [row in seen or seen.add(row) is not None for row in rows]
    assert (duplicates(log_of(rows)).reason > 0).tolist() == expected


@given(events, st.integers(1, 3))
def test_near_duplicates_agree_with_a_walk(rows, seconds):
    last: dict[tuple[int, int], int] = {}
    expected = []
    for user, item, second in rows:
        expected.append(second - last.get((user, item), -99) <= seconds)
        last[user, item] = second
    assert (near_duplicates(log_of(rows), seconds).reason > 0).tolist() == expected

import numpy as np
import pytest
from cleaning_logs import log_of
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.data.cleaning import sorting
from shopkeeper.data.cleaning.sorting import sort_log

rows_of_any_order = st.lists(
    st.tuples(
        st.integers(1, 2**31 - 1) | st.integers(1, 4), st.integers(1, 5), st.integers(-5, 5) | st.integers(0, 2**40)
    ),
    max_size=60,
)


def check(rows):
    log = log_of(rows)
    log.row = np.random.default_rng(0).permutation(len(rows)).astype(np.int32)
    log.price = log.row.astype(np.float32)
    expected = np.lexsort((log.row, log.time, log.user))
    user, time, row = log.user[expected], log.time[expected], log.row[expected]
    sort_log(log)
    assert np.array_equal(log.user, user)
    assert np.array_equal(log.time, time)
    assert np.array_equal(log.row, row)
    assert np.array_equal(log.price, row)


@given(rows_of_any_order)
def test_sorts_as_lexsort_does(rows):
    check(rows)


@pytest.mark.parametrize("block_events", [1, 8, 64])
def test_blocks_of_any_size_give_the_same(block_events, monkeypatch):
    monkeypatch.setattr(sorting, "BLOCK_EVENTS", block_events)
    monkeypatch.setattr(sorting, "CHUNK", 100)
    rng = np.random.default_rng(1)
    check(
        [
            (int(user), 1, int(time))
            for user, time in zip(rng.integers(1, 300, 999), rng.integers(0, 9, 999), strict=True)
        ]
    )


def test_times_too_far_apart_for_a_key_are_sorted_all_the_same():
    log = log_of([(2, 1, 0), (1, 1, 0), (1, 1, 0)])
    log.time = np.array([0, 2**62, -(2**62)], dtype=np.int64)
    sort_log(log)
    assert log.time.tolist() == [-(2**62), 2**62, 0]

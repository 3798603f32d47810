from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.data.histories import Histories
from shopkeeper.data.moments import Moments, shuffle_ties


def shopper_days(*days: list[int]) -> Histories:
    """Shoppers whose events happen on these days."""
    histories = Histories.of_items([range(1, len(row) + 1) for row in days])
    return replace(histories, timestamp=np.array([day for row in days for day in row], dtype=np.int64))


def possible(moments: Moments, event: int) -> set[int]:
    return set(moments.draw_next(np.full(200, event), np.random.default_rng(0)).tolist())


def test_what_follows_a_basket_is_any_event_of_the_next_one():
    moments = Moments(shopper_days([1, 1, 2, 2, 2, 3], [3, 3], [], [4, 5]))
    assert moments.n_targets().tolist() == [5, 0, 0, 1]
    assert possible(moments, 0) == possible(moments, 1) == {2, 3, 4}
    assert possible(moments, 2) == possible(moments, 4) == {5}
    assert possible(moments, 8) == {9}


def test_rows_in_order_where_asked():
    moments = Moments(shopper_days([1, 1, 2, 2], [3, 3]), ordered=True)
    assert moments.n_targets().tolist() == [3, 1]
    assert moments.draw_next(np.array([0, 1, 2, 4]), np.random.default_rng(0)).tolist() == [1, 2, 3, 5]


def test_a_horizon_draws_from_the_next_moments_of_the_same_shopper():
    histories = shopper_days([1, 1, 2, 3, 3, 4], [1, 2, 3])
    moments = Moments(histories, horizon=2)
    assert moments.n_targets().tolist() == [5, 2]
    assert possible(moments, 0) == {2, 3, 4}
    assert possible(moments, 2) == {3, 4, 5}
    assert possible(moments, 4) == {5}
    assert possible(moments, 6) == {7, 8}
    assert possible(Moments(histories, ordered=True, horizon=9), 1) == {2, 3, 4, 5}


def test_only_wanted_events_are_targets_and_never_those_of_the_same_moment():
    histories = shopper_days([1, 1, 2, 3, 3, 4], [1, 2], [1, 2, 2])
    wanted = np.array([0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1], dtype=bool)
    moments = Moments(histories, wanted=wanted)
    assert moments.n_targets().tolist() == [3, 0, 1]
    assert possible(moments, 0) == possible(moments, 2) == {3}
    assert possible(moments, 8) == {9, 10}
    assert possible(Moments(histories, horizon=2, wanted=wanted), 0) == {3}
    assert Moments(histories, wanted=np.zeros(11, dtype=bool)).n_targets().tolist() == [0, 0, 0]


def test_ties_are_shuffled_within_their_time_alone():
    histories = shopper_days([1, 1, 1, 2], [2, 2], [], [5])
    orders = {tuple(shuffle_ties(histories, np.random.default_rng(seed)).tolist()) for seed in range(60)}
    assert len(orders) == 6 * 2
    assert {tuple(sorted(order)) for order in orders} == {(0, 1, 2, 3, 4, 5, 6)}
    assert {order[3] for order in orders} == {3}


def test_without_events():
    assert Moments(shopper_days()).n_targets().tolist() == []
    assert Moments(shopper_days([], [])).n_targets().tolist() == [0, 0]


@given(st.lists(st.lists(st.integers(0, 4).map(lambda day: day), max_size=9).map(sorted), max_size=6))
def test_targets_are_later_events_of_the_same_shopper(days):
    histories = shopper_days(*days)
    moments = Moments(histories)
    counts = moments.n_targets()
    events = np.concatenate(
        [[], *(np.arange(start, start + n) for start, n in zip(histories.offsets, counts, strict=False))]
    ).astype(np.int64)
    found = moments.draw_next(events, np.random.default_rng(0))
    assert (histories.rows[found] == histories.rows[events]).all()
    assert (histories.timestamp[found] > histories.timestamp[events]).all()
    assert counts.tolist() == [sum(day < row[-1] for day in row) if row else 0 for row in days]


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(0, 3))
def test_different_times_give_the_next_event(lengths, seed):
    histories = shopper_days(*(list(range(n)) for n in lengths))
    for moments in (Moments(histories), Moments(histories, ordered=True)):
        assert moments.n_targets().tolist() == [max(0, n - 1) for n in lengths]

"""Ragged histories against plain lists."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType

Event = tuple[int, ...]
ROWS = st.lists(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 6), st.integers(0, 99), st.integers(0, 255)), max_size=5),
    max_size=7,
)


def ragged(rows: list[list[Event]], placed: bool = True) -> Histories:
    flat = [event for row in rows for event in row]
    items, types, times, placements = zip(*flat, strict=True) if flat else ((), (), (), ())
    return Histories(
        offsets=np.cumsum([0, *(len(row) for row in rows)]).astype(np.int64),
        item_index=np.array(items, np.int32),
        event_type=np.array(types, np.uint8),
        timestamp=np.array(times, np.int64),
        placement=np.array(placements, np.uint8) if placed else None,
    )


def lists(histories: Histories) -> list[list[Event]]:
    assert histories.offsets.dtype == np.int64
    assert histories.offsets[0] == 0
    assert len(histories.item_index) == len(histories.event_type) == len(histories.timestamp) == histories.n_events
    columns = [histories.item_index, histories.event_type, histories.timestamp]
    if histories.placement is not None:
        assert histories.placement.dtype == np.uint8
        columns.append(histories.placement)
    events = list(zip(*(column.tolist() for column in columns), strict=True))
    return [events[start:stop] for start, stop in zip(histories.offsets, histories.offsets[1:], strict=False)]


@given(ROWS)
def test_rows_lengths_and_numbers(rows):
    histories = ragged(rows)
    assert lists(histories) == rows
    assert len(histories) == len(rows)
    assert histories.n_events == sum(map(len, rows))
    assert histories.lengths.tolist() == [len(row) for row in rows]
    assert histories.rows.tolist() == [place for place, row in enumerate(rows) for _ in row]
    assert [histories.items_of(place).tolist() for place in range(len(rows))] == [[e[0] for e in row] for row in rows]


@given(ROWS, st.data())
def test_slice(rows, data):
    start = data.draw(st.integers(0, len(rows)))
    stop = data.draw(st.integers(start, len(rows)))
    sliced = ragged(rows).slice(start, stop)
    assert lists(sliced) == rows[start:stop]
    assert sliced.item_index.size == 0 or sliced.item_index.base is not None  # not copied


@given(ROWS, st.integers(1, 4))
def test_batches_are_all_rows_once(rows, size):
    batches = list(ragged(rows).batches(size))
    assert [row for _, batch in batches for row in lists(batch)] == rows
    assert [start for start, _ in batches] == list(range(0, len(rows), size))
    assert all(len(batch) <= size for _, batch in batches)


@given(ROWS, st.data())
def test_take(rows, data):
    places = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=9)) if rows else []
    taken = ragged(rows).take(np.array(places, np.int32))
    assert lists(taken) == [rows[place] for place in places]


@given(ROWS, st.data())
def test_where(rows, data):
    n = sum(map(len, rows))
    keep = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    kept = iter(keep)
    expected = [[event for event in row if next(kept)] for row in rows]
    assert lists(ragged(rows).where(np.array(keep, bool))) == expected


@given(ROWS, st.integers(0, 6))
def test_last(rows, length):
    expected = [row[-length:] if length else [] for row in rows]
    assert lists(ragged(rows).last(length)) == expected


@given(ROWS, st.data())
def test_steps_one_after_the_other(rows, data):
    start = data.draw(st.integers(0, len(rows)))
    sliced = rows[start:]
    places = np.arange(len(sliced))[::-1]
    expected = [row[-2:] for row in sliced][::-1]
    assert lists(ragged(rows).slice(start, len(rows)).last(2).take(places)) == expected


@given(ROWS, st.data())
def test_without_placements_there_are_none_after_any_step(rows, data):
    start = data.draw(st.integers(0, len(rows)))
    histories = ragged(rows, placed=False).slice(start, len(rows)).last(2)
    assert lists(histories.take(np.arange(len(histories)))) == [
        [event[:3] for event in row[-2:]] for row in rows[start:]
    ]
    assert histories.strongest().placement is None


@given(st.lists(st.tuples(ROWS, st.booleans()), min_size=1, max_size=4))
def test_joined_histories_do_not_know_the_placements_that_some_lack(parts):
    joined = Histories.joined([ragged(rows, placed) for rows, placed in parts])
    some = any(placed for _, placed in parts)
    assert lists(joined) == [
        [event if placed else (*event[:3], 0) if some else event[:3] for event in row]
        for rows, placed in parts
        for row in rows
    ]


def test_histories_of_plain_lists():
    histories = Histories.of_items([[3, 1], [], np.array([2], np.int32)], EventType.CART)
    code, second = EventType.CART.code, 1_000_000
    assert lists(histories) == [[(3, code, 0), (1, code, second)], [], [(2, code, 0)]]
    assert histories.item_index.dtype == np.int32
    assert histories.event_type.dtype == np.uint8


@pytest.mark.parametrize("items", [[], [[]], [[], []]])
def test_nothing_is_a_history_too(items):
    histories = Histories.of_items(items)
    assert len(histories) == len(items)
    assert histories.n_events == 0
    assert lists(histories.last(3)) == items
    assert lists(histories.take(np.arange(len(items)))) == items


def test_the_strongest_event_of_each_item():
    view, cart, purchase = (EventType(word).code for word in ("view", "cart", "purchase"))
    events = [(1, view), (2, view), (1, cart), (1, purchase), (1, purchase), (2, view), (3, cart), (3, view)]
    items, codes = np.array(events).T
    histories = Histories(np.array([0, 6, 8]), items.astype(np.int32), codes.astype(np.uint8), np.arange(8) * 10)
    histories = replace(histories, placement=np.arange(8, dtype=np.uint8))
    merged = histories.strongest()
    assert merged.offsets.tolist() == [0, 2, 3]
    assert merged.item_index.tolist() == [2, 1, 3]
    assert merged.event_type.tolist() == [view, purchase, cart]
    assert merged.timestamp.tolist() == [10, 30, 60]
    assert merged.placement.tolist() == [1, 3, 6]
    assert histories.slice(1, 2).strongest().timestamp.tolist() == [60]


def test_the_usual_event_is_the_most_frequent_one_of_interest():
    types = [EventType.IMPRESSION, EventType.IMPRESSION, EventType.CART, EventType.CART, EventType.VIEW]
    assert ragged([[(1, one.code, 0, 0) for one in types]]).usual_event is EventType.CART
    assert ragged([]).usual_event is EventType.VIEW

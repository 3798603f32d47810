"""Features of one shopper's events beside the log are those of the log."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.point_in_time.features import with_features
from shopkeeper.data.point_in_time.live import LiveFeatures
from shopkeeper.errors import DataError
from small_logs import DAY, N_ITEMS, N_USERS, seeds, small_log

ALL_ITEMS = np.arange(1, N_ITEMS + 1, dtype=np.int32)


def asked_offline(log: Dataset, user: int, moment: int) -> Examples:
    n = len(ALL_ITEMS)
    asked = Examples(
        np.full(n, user, dtype=np.int32), ALL_ITEMS, np.full(n, moment), np.zeros(n, dtype=np.float32),
        placement=np.full(n, 1, dtype=np.uint8),
    )  # fmt: skip
    return with_features(log, asked)


def asked_live(live: LiveFeatures, log: Dataset, user: int, moment: int) -> Examples:
    first, last = (0, 0) if user == 0 else log.histories.offsets[user - 1 : user + 1]
    histories = log.histories.slice(user - 1, user) if user else log.histories.slice(0, 0)
    if user == 0:
        histories = replace(histories, offsets=np.zeros(2, dtype=np.int64))
    return live.of(histories, log.price[first:last], log.quantity[first:last], ALL_ITEMS, moment, placement=1)


@settings(max_examples=25)
@given(seeds, st.integers(-1, 45), st.integers(0, N_USERS))
def test_live_features_are_those_of_the_log(seed, tick, user):
    log, moment = small_log(seed), tick * (DAY // 2)
    offline, live = asked_offline(log, user, moment), asked_live(LiveFeatures(log), log, user, moment)
    assert offline.features.names == live.features.names
    np.testing.assert_array_equal(offline.features.values, live.features.values)
    for place in range(len(ALL_ITEMS)):
        one, other = (past.item[past.start[place] : past.stop[place]] for past in (offline.past, live.past))
        np.testing.assert_array_equal(one, other)


def test_a_new_price_and_a_new_item_change_nothing_of_the_others():
    log = small_log(5)
    moment = 20 * DAY
    live = LiveFeatures(log)
    catalog = Catalog(
        pa.table(
            {
                "item_id": [*range(1, N_ITEMS + 1), 9],
                "brand": ["new", "b", "a", None, "b"],
                "category": ["w", "x > z", "w", None, "x > y"],
                "price": [7.0, 2.0, None, float("inf"), 3.0],
            }
        )
    )
    changed = live.with_items(log.with_items([9], catalog))
    before, after = (asked_live(one, log, 1, moment) for one in (live, changed))
    same = [name for name in before.features.names if name.startswith(("user_events", "item_events", "item_price_to"))]
    for name in same:
        np.testing.assert_array_equal(before.features.column(name)[1:], after.features.column(name)[1:], err_msg=name)
    brands = {attribute.name: attribute for attribute in after.attributes}["brand"]
    assert brands.words.to_pylist() == ["a", "b", "new"]
    np.testing.assert_array_equal(brands.codes, [0, 3, 2, 1, 0, 2])
    n = log.histories.offsets[1]
    item = np.array([5], dtype=np.int32)
    new = changed.of(log.histories.slice(0, 1), log.price[:n], log.quantity[:n], item, moment).features
    assert new.column("item_events")[0] == 0
    assert new.column("item_price")[0] == 3


def test_a_shopper_without_item_and_a_log_without_events():
    log = small_log(0)
    found = LiveFeatures(log).of(
        log.histories.slice(0, 1), log.price[: log.histories.offsets[1]], log.quantity[: log.histories.offsets[1]],
        np.zeros(1, dtype=np.int32), 50 * DAY,
    )  # fmt: skip
    assert not [name for name in found.features.names if name.startswith(("item_", "pair_"))]
    assert found.features.column("user_events")[0] == log.histories.offsets[1]
    with pytest.raises(DataError, match="no event"):
        LiveFeatures(log.without_events())

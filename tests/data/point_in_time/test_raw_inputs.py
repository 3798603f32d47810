"""What networks read beside features: the events before, and what items are in words."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings

from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.point_in_time.attributes import Attribute
from shopkeeper.data.point_in_time.features import with_features
from small_logs import DAY, N_USERS, seeds, small_log


@settings(max_examples=25)
@given(seeds)
def test_the_past_is_what_the_shopper_did_before(seed):
    log = small_log(seed)
    rng = np.random.default_rng(seed)
    asked = Examples(
        rng.integers(0, N_USERS + 1, 9).astype(np.int32),
        np.ones(9, dtype=np.int32),
        rng.integers(0, 40, 9) * (DAY // 2),
        np.zeros(9, dtype=np.float32),
    )
    made = with_features(log, asked)
    past, events = made.past, log.histories
    for place in range(9):
        mine = (events.rows + 1 == asked.user_index[place]) & (events.timestamp < asked.timestamp[place])
        span = slice(past.start[place], past.stop[place])
        np.testing.assert_array_equal(past.item[span], events.item_index[mine])
        np.testing.assert_array_equal(past.kind[span], events.event_type[mine])
        short = past.latest(2)
        np.testing.assert_array_equal(past.item[short.start[place] : short.stop[place]], events.item_index[mine][-2:])
        dropped = past.without(place)
        assert len(dropped) == mine.sum()
        for row in range(len(dropped)):
            expected = np.delete(events.item_index[mine], row)
            np.testing.assert_array_equal(dropped.item[dropped.start[row] : dropped.stop[row]], expected)
    assert [attribute.name for attribute in made.attributes] == ["item", "brand", "category", "department"][
        : len(made.attributes)
    ]


def test_codes_are_translated_by_their_words():
    brand = Attribute("brand", np.array([0, 1, 2, 0, 3, 1]), pa.array(["a", "b", "c"]))
    np.testing.assert_array_equal(brand.translated(pa.array(["c", "x", "a"])), [0, 3, 0, 0, 1, 3])
    np.testing.assert_array_equal(brand.translated(pa.array(["a", "b", "c"])), brand.codes)
    np.testing.assert_array_equal(brand.translated(pa.array([], pa.string())), np.zeros(6))
    item = Attribute("item", np.array([0, 1, 2]), pa.array([7, 9]))
    np.testing.assert_array_equal(item.translated(pa.array([9, 10])), [0, 0, 1])
    np.testing.assert_array_equal(item.translated(pa.array(["9", "7"])), [0, 2, 1])  # prepared as text

"""Leaving an event out gives the features of a log that never had it, and names the event that matters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.histories import Histories
from shopkeeper.data.point_in_time.features import with_features
from shopkeeper.data.schema import EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.predictors.occlusion import OWN, occlusion, shortened
from small_logs import DAY, N_ITEMS, N_USERS, seeds, small_log


@settings(max_examples=20)
@given(seeds)
def test_an_event_left_out_is_as_if_it_had_never_been(seed):
    log = small_log(seed)
    rng = np.random.default_rng(seed)
    asked = Examples(
        rng.integers(0, N_USERS + 1, 5).astype(np.int32), rng.integers(1, N_ITEMS + 1, 5).astype(np.int32),
        rng.integers(1, 40, 5) * (DAY // 2), np.zeros(5, dtype=np.float32),
    )  # fmt: skip
    made = with_features(log, asked)
    found = shortened(log, made, latest=3)
    whole = found.left_out < 0
    np.testing.assert_array_equal(found.examples.features.values[whole], made.features.values)
    for row in np.flatnonzero(~whole):
        kept = np.arange(log.n_events) != found.left_out[row]
        one = asked.take(slice(found.example[row], found.example[row] + 1))
        expected = with_features(log.select(kept), one)
        for name in expected.features.names:
            if name.startswith(OWN) and name != "pair_price_to_usual":  # whose item price stays
                value = found.examples.features.column(name)[row]
                np.testing.assert_array_equal(value, expected.features.column(name)[0], err_msg=name)
        past = found.examples.past
        span = slice(past.start[row], past.stop[row])
        wanted = slice(expected.past.start[0], expected.past.stop[0])
        np.testing.assert_array_equal(past.item[span], expected.past.item[wanted])


def viewers(n_users: int = 400, n_items: int = 6) -> Dataset:
    """Each shopper views three items, one a day, and later buys the last or, rarely, another one."""
    rng = np.random.default_rng(0)
    viewed = rng.permuted(np.tile(np.arange(1, n_items + 1), (n_users, 1)), axis=1)[:, :3]
    bought = np.where(rng.random(n_users) < 0.9, viewed[:, 2], rng.integers(1, n_items + 1, n_users))
    kinds = np.tile([EventType.VIEW.code] * 3 + [EventType.PURCHASE.code], n_users).astype(np.uint8)
    time = rng.integers(0, 50, (n_users, 1)) * DAY + np.array([0, 10, 20, 21]) * DAY
    histories = Histories(
        np.arange(n_users + 1) * 4, np.column_stack([viewed, bought]).ravel().astype(np.int32), kinds, time.ravel()
    )
    return Dataset(Vocabulary(range(n_users)), Vocabulary(range(1, n_items + 1)), histories)


def test_the_event_that_matters_is_named_first():
    pytest.importorskip("sklearn")
    from shopkeeper.predictors.logistic_regression import LogisticRegression

    log = viewers()
    last = log.histories.timestamp.reshape(-1, 4)[:, 3]
    users = np.repeat(np.arange(1, log.n_users + 1), log.n_items).astype(np.int32)
    items = np.tile(np.arange(1, log.n_items + 1), log.n_users).astype(np.int32)
    bought = log.histories.item_index.reshape(-1, 4)[:, 3]
    label = (items == bought[users - 1]).astype(np.float32)
    examples = with_features(log, Examples(users, items, last[users - 1], label))
    model = LogisticRegression().fit(examples)
    chosen = np.flatnonzero(label)[:40]
    found = occlusion(model, log, examples.take(chosen))
    probability = model.predict_proba(examples.take(chosen))
    right = 0
    for place, effects in enumerate(found):
        assert len(effects) == 3
        assert abs(effects[0].effect) >= abs(effects[1].effect) >= abs(effects[2].effect)
        assert (effects[0].effect > 0) == (effects[0].without < probability[place])
        right += effects[0].item_index == items[chosen[place]] and effects[0].effect > 0
    assert right > 30


def test_there_must_be_a_past_and_it_may_be_empty():
    log = small_log(1)
    nobody = Examples(
        np.zeros(2, dtype=np.int32), np.ones(2, dtype=np.int32), np.full(2, 50 * DAY), np.zeros(2, dtype=np.float32)
    )
    assert shortened(log, with_features(log, nobody), latest=3).left_out.tolist() == [-1, -1]
    with pytest.raises(DataError, match="no past events"):
        shortened(log, replace(nobody, past=None), latest=3)

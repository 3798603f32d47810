"""Features are what a slow reading of the past gives, and no future changes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.point_in_time import blocks, past
from shopkeeper.data.point_in_time import log as log_module
from shopkeeper.data.point_in_time.features import point_in_time_features, with_features
from shopkeeper.data.point_in_time.table import FeatureTable
from shopkeeper.data.schema import EVENT_TYPES
from shopkeeper.errors import DataError
from small_logs import DAY, N_ITEMS, N_USERS, seeds, small_log

few = settings(max_examples=25)
ticks = st.sampled_from([DAY // 2, DAY // 2 + 1])  # of the second no unit but the microsecond fits
BRAND, CATEGORY, DEPARTMENT = [None, "a", "b", "a", None], [None, "xy", "xz", "w", None], [None, "x", "x", "w", None]
LISTED = [np.nan, 1.0, 2.0, np.nan, np.nan]


def questions(seed: int, tick: int, n: int = 12) -> Examples:
    rng = np.random.default_rng(seed + 1)
    return Examples(
        rng.integers(0, N_USERS + 1, n).astype(np.int32),
        rng.integers(0, N_ITEMS + 1, n).astype(np.int32),
        rng.integers(-1, 45, n) * tick + rng.integers(-1, 2, n),
        np.zeros(n, dtype=np.float32),
        placement=rng.integers(0, 3, n).astype(np.uint8),
    )


def mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else np.nan


def slow(log: Dataset, examples: Examples, place: int) -> dict[str, float]:
    """The features of one example, by reading the whole log."""
    user, item = int(examples.user_index[place]), int(examples.item_index[place])
    now = int(examples.timestamp[place])
    events = log.histories
    price = [float(p) if np.isfinite(p) else LISTED[i] for p, i in zip(log.price, events.item_index, strict=True)]
    rows = [
        (int(u) + 1, int(i), EVENT_TYPES[k - 1].value, int(t), p, float(q))
        for u, i, k, t, p, q in zip(
            events.rows, events.item_index, events.event_type, events.timestamp, price, log.quantity, strict=True
        )
    ]  # fmt: skip
    past = sorted((row for row in rows if row[3] < now), key=lambda row: row[3])
    mine, its = [row for row in past if row[0] == user], [row for row in past if row[1] == item]
    both = [row for row in mine if row[1] == item]
    found: dict[str, float] = {}
    for name, part in (("user", mine), ("item", its), ("pair", both)):
        found[f"{name}_events"] = len(part)
        for kind in {row[2] for row in rows}:
            found[f"{name}_{kind}s"] = sum(row[2] == kind for row in part)
        if name != "pair":
            for days in (7, 30):
                found[f"{name}_events_{days}d"] = sum(row[3] >= now - days * DAY for row in part)
        found[f"{name}_days_since_last"] = (now - part[-1][3]) / DAY if part else np.nan
    found["user_days_since_first"] = (now - mine[0][3]) / DAY if mine else np.nan
    bought = [row for row in mine if row[2] == "purchase"]
    found["user_days_since_purchase"] = (now - bought[-1][3]) / DAY if bought else np.nan
    found["user_spent"] = float(np.nansum([row[4] * row[5] for row in bought]))
    found["user_mean_price"] = mean([row[4] for row in mine if np.isfinite(row[4])])
    found["user_items"] = len({row[1] for row in mine})
    for name, words in (("category", CATEGORY), ("brand", BRAND)):
        known = [words[row[1]] for row in mine if words[row[1]] is not None]
        shares = [known.count(word) / len(known) for word in set(known)]
        found[f"user_{name}_concentration"] = sum(share**2 for share in shares) if known else np.nan
    found["item_age_days"] = (now - its[0][3]) / DAY if its else np.nan
    alike = [row for row in past if CATEGORY[row[1]] == CATEGORY[item]]
    for name, part in (("shop", past), ("category", alike)):
        found[f"item_price_to_{name}"] = mean([np.log(row[4]) for row in part if np.isfinite(row[4])])
    for name, words in (("brand", BRAND), ("category", CATEGORY), ("department", DEPARTMENT)):
        same = [row for row in mine if words[row[1]] == words[item]] if words[item] is not None else []
        there = words[item] is not None and mine
        found[f"pair_{name}_share"] = len(same) / len(mine) if there else np.nan
        found[f"pair_{name}_days_since_last"] = (now - same[-1][3]) / DAY if same else np.nan
    for before, after in (("impression", "view"), ("view", "cart"), ("view", "purchase"), ("purchase", "return")):
        n = [sum(row[2] == kind for row in part) for part in (past, its) for kind in (before, after)]
        found[f"item_{after}_per_{before}"] = (n[3] + 20 * n[1] / n[0]) / (n[2] + 20) if n[0] else np.nan
    return found


@few
@given(seeds, ticks)
def test_features_are_those_of_a_slow_reading(seed, tick):
    log, examples = small_log(seed, tick=tick), questions(seed, tick)
    table = point_in_time_features(log, examples)
    logarithm = np.log(table.column("item_price"))
    for place in range(len(examples)):
        for name, told in slow(log, examples, place).items():
            if name not in table.names:
                assert "_per_" in name, name
                continue
            value, expected = table.column(name)[place], told
            if "price_to" in name:
                value = logarithm[place] - value
                expected = np.nan if np.isnan(logarithm[place]) else expected
            np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5, err_msg=f"{name} {place}")


@few
@given(seeds, ticks, st.integers(1, 40))
def test_no_future_changes_a_feature(seed, tick, until):
    """Events from a moment on become others, or none: what was asked up to then stays, bit by bit."""
    log, examples = small_log(seed, tick=tick), questions(seed, tick)
    future = log.histories.timestamp >= until * tick
    examples = examples.take(examples.timestamp <= until * tick)
    rng = np.random.default_rng(seed)
    shuffled = replace(
        log,
        histories=replace(
            log.histories,
            item_index=np.where(future, rng.integers(1, N_ITEMS + 1, len(future)), log.histories.item_index),
        ),
        price=np.where(future, 1e9, log.price).astype(np.float32),
        quantity=np.where(future, 77, log.quantity).astype(np.float32),
    )
    expected = point_in_time_features(log, examples)
    others = [point_in_time_features(shuffled, examples)]
    if not future.all():
        others.append(point_in_time_features(log.select(~future), examples))
    for other in others:
        for name in set(expected.names) & set(other.names):
            np.testing.assert_array_equal(expected.column(name), other.column(name), err_msg=name)


def test_the_price_of_an_item_is_its_last_one_before():
    log = small_log(3)
    price = np.arange(1, log.n_events + 1, dtype=np.float32)
    log = replace(log, price=price)
    places = np.flatnonzero(log.histories.item_index == 2)
    last = places[np.argmax(log.histories.timestamp[places])]
    after = log.histories.timestamp[last] + 1
    asked = Examples(np.ones(2, np.int32), np.array([2, 2], np.int32), np.array([after, 0]), np.zeros(2, np.float32))
    found = point_in_time_features(log, asked).column("item_price")
    assert found[0] in price[places[log.histories.timestamp[places] == after - 1]]
    assert found[1] == 2.0, "before its first event that of the catalog"


def test_similarity_looks_at_what_the_shopper_saw_before():
    log = small_log(0)
    vectors = np.zeros((N_ITEMS + 1, 2), dtype=np.float32)
    vectors[1:3] = [[3, 0], [0, 5]]
    item = np.where(log.histories.timestamp < 10 * DAY, 1, 2).astype(np.int32)
    log = replace(log, histories=replace(log.histories, item_index=item))
    user = int(log.histories.rows[log.histories.timestamp < 10 * DAY][0]) + 1
    asked = Examples(
        np.array([user, user, 0], np.int32),
        np.array([1, 2, 1], np.int32),
        np.full(3, 10 * DAY),
        np.zeros(3, np.float32),
    )
    np.testing.assert_allclose(
        point_in_time_features(log, asked, vectors).column("pair_similarity"), [1, 0, np.nan], atol=1e-6
    )
    with pytest.raises(DataError, match="vectors and items"):
        point_in_time_features(log, asked, vectors[1:])


def test_hours_and_weekdays_go_in_circles():
    monday_noon = np.array([(4 * 24 + 12) * 3_600_000_000])  # 1970-01-05
    asked = Examples(np.ones(1, np.int32), np.zeros(1, np.int32), monday_noon, np.zeros(1, np.float32))
    table = point_in_time_features(small_log(0), asked)
    found = [table.column(name)[0] for name in ("hour_sin", "hour_cos", "weekday_sin", "weekday_cos")]
    np.testing.assert_allclose(found, [0, -1, 0, 1], atol=1e-6)


def test_shoppers_without_an_item_have_no_features_of_items():
    asked = questions(0, DAY)
    asked = replace(asked, item_index=np.zeros_like(asked.item_index))
    examples = with_features(small_log(0), asked)
    assert examples.features is not None
    assert not [name for name in examples.features.names if name.startswith(("item_", "pair_"))]
    assert len(examples.take(slice(0, 3)).features) == 3


def test_a_log_without_events_or_catalog():
    log = small_log(0)
    with pytest.raises(DataError, match="no event"):
        point_in_time_features(log.without_events(), questions(0, DAY))
    bare = replace(log, catalog=None, price=None, quantity=None, session_index=None)
    table = point_in_time_features(bare, questions(0, DAY))
    assert np.isnan(table.column("item_price")).all()
    assert not np.isinf(table.values).any()


def test_columns_are_found_by_name():
    table = FeatureTable.of({"a": np.array([1.0, np.inf]), "b": np.array([3, 4])}, 2)
    np.testing.assert_array_equal(table.aligned(("b", "a")), [[3, 1], [4, np.nan]])
    with pytest.raises(DataError, match="no c"):
        table.aligned(("a", "c"))


@pytest.mark.parametrize("bits", [62, 9])
def test_parts_blocks_and_threads_change_nothing(monkeypatch, bits):
    """As small as they can be; with few bits, keys are numbered anew."""
    log, asked = small_log(7), questions(7, DAY, n=40)
    expected = with_features(log, asked)
    for module, name, value in (
        (past, "PART", 3), (past, "SORT_FROM", 2), (past, "BITS", bits), (log_module, "BITS", bits),
        (log_module, "LARGE", 1), (blocks, "BLOCK", 2), (blocks, "TOGETHER", 7),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)
    found = with_features(log, asked)
    assert found.features.names == expected.features.names
    np.testing.assert_array_equal(found.features.values, expected.features.values)
    np.testing.assert_array_equal(found.past.start, expected.past.start)
    np.testing.assert_array_equal(found.past.stop, expected.past.stop)

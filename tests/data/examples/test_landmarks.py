"""Examples at any moment: labels, shoppers and items of each landmark as a slow reading of the log gives them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.asked import whole_question
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.given import NEVER, GivenEvents
from shopkeeper.data.examples.landmarks import landmarks
from shopkeeper.data.examples.make import make_examples
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.examples.window import Window
from shopkeeper.data.schema import INTEREST_TYPES, EventType
from shopkeeper.errors import ConfigError, DataError
from small_logs import DAY, N_ITEMS, N_USERS, seeds, small_log

few = settings(max_examples=30, deadline=None)
INTEREST = {event_type.code for event_type in INTEREST_TYPES}
EVERYTHING = 1e9


def events_of(log: Dataset) -> list[tuple[int, int, int, int]]:
    """Shopper, item, type and moment of each event."""
    events = log.histories
    columns = (events.rows, events.item_index, events.event_type, events.timestamp)
    return [(int(u) + 1, int(i), int(k), int(t)) for u, i, k, t in zip(*columns, strict=True)]


def slow_question(log: Dataset, target: str, moments: list[int], days: float, active: float) -> dict[tuple, float]:
    """Every active shopper with every item known by then, and whether the target came within the horizon."""
    rows, kind = events_of(log), EventType(target).code
    found = {}
    for at in moments:
        since = at - active * DAY
        users = {u for u, _, k, t in rows if since <= t < at and k in INTEREST}
        items = {i for _, i, _, t in rows if t < at}
        came = {(u, i) for u, i, k, t in rows if at <= t < at + days * DAY and k == kind}
        found |= {(u, i, at): float((u, i) in came) for u, i in itertools.product(users, items)}
    return found


def as_dict(examples: Examples) -> dict[tuple, float]:
    keys = zip(examples.user_index.tolist(), examples.item_index.tolist(), examples.timestamp.tolist(), strict=True)
    found = dict(zip(keys, examples.label.tolist(), strict=True))
    assert len(found) == len(examples)
    return found


@few
@given(seeds, st.sampled_from(["view", "cart", "purchase"]), st.integers(1, 6), st.integers(2, 12))
def test_all_pairs_of_the_landmarks_have_the_labels_of_the_log(seed, target, days, active):
    log = small_log(seed)
    wanted = ExampleSettings(target=target, days=days, active_days=active, negatives=EVERYTHING)
    moments = landmarks(Window.of(log, wanted, None, None)).tolist()
    assert len(moments) >= 3 and moments[-1] == int(log.histories.timestamp.max()) + 1 - days * DAY
    expected = slow_question(log, target, moments, days, active)
    try:
        examples = make_examples(log, wanted)
    except DataError:
        assert not expected or not any(k == EventType(target).code for _, _, k, _ in events_of(log))
        return
    assert examples.negative_rate == 1
    assert as_dict(examples) == expected


@few
@given(seeds)
def test_the_whole_question_is_every_pair_or_weighs_as_much(seed):
    log = small_log(seed, n_events=60)
    wanted = ExampleSettings(target="view", days=3)
    start, until = 8 * DAY, int(log.histories.timestamp.max()) + 1
    whole = whole_question(log, wanted, start, until, 10**6, 3)
    expected = slow_question(log, "view", np.unique(whole.examples.timestamp).tolist(), 3, 90)
    assert as_dict(whole.examples) == expected
    assert (whole.weight == 1).all() and whole.pairs_rate == whole.users_rate == 1


def large_log(seed: int = 3) -> Dataset:
    return small_log(seed, n_events=40, tick=DAY // 4)


def test_sampling_leaves_sums_where_they_are():
    """Over many seeds the weighed sum of any function of the pairs is that of all pairs."""
    log = large_log()
    wanted = ExampleSettings(target="purchase", days=2, negatives=EVERYTHING)
    every = make_examples(log, wanted)
    truth = float((every.item_index * every.weight).sum())
    sums = []
    for seed in range(200):
        some = make_examples(log, wanted.replace(negatives=0.6, seed=seed))
        assert some.negative_rate < 0.7 and some.label.sum() == every.label.sum()
        sums.append(float((some.item_index * some.weight).sum()))
    error = np.std(sums) / np.sqrt(len(sums))
    assert abs(np.mean(sums) - truth) < 4 * error


def test_a_drawn_question_weighs_as_much_as_the_whole():
    log = large_log()
    wanted = ExampleSettings(target="purchase", days=2)
    end = int(log.histories.timestamp.max()) + 1
    whole = whole_question(log, wanted, DAY, end, 10**6, 4).examples
    every, truth = as_dict(whole), float(whole.item_index.sum())
    sums = []
    for seed in range(200):
        drawn = whole_question(log, wanted.replace(seed=seed), DAY, end, 12, 4)
        assert as_dict(drawn.examples).items() <= every.items() and len(drawn.examples) < len(every)
        assert drawn.examples.label.sum() == whole.label.sum() and (drawn.weight[drawn.examples.label > 0] == 1).all()
        sums.append(float((drawn.examples.item_index * drawn.weight).sum()))
    assert drawn.met_rate < 1 and drawn.pairs_rate < 1
    assert abs(np.mean(sums) - truth) < 4 * np.std(sums) / np.sqrt(len(sums))


@few
@given(seeds, st.integers(2, 12))
def test_pairs_given_an_event_are_those_whose_event_is_not_long_back(seed, active):
    log = small_log(seed)
    wanted = ExampleSettings(target="purchase", given="cart", days=3, active_days=active)
    rows = events_of(log)
    moments = landmarks(Window.of(log, wanted, None, None)).tolist()
    whole = slow_question(log, "purchase", moments, 3, active)
    cart = EventType.CART.code
    expected = {
        (u, i, at): label for (u, i, at), label in whole.items()
        if any(a == u and b == i and k == cart and at - active * DAY <= t < at for a, b, k, t in rows)
    }  # fmt: skip
    try:
        assert as_dict(make_examples(log, wanted)) == expected
    except DataError:
        assert not expected or not any(k == EventType.PURCHASE.code for _, _, k, _ in rows)


@few
@given(seeds)
def test_the_latest_event_of_a_pair(seed):
    log = small_log(seed)
    found = GivenEvents.of(log.histories, EventType.CART)
    pairs = list(itertools.product(range(1, N_USERS + 1), range(1, N_ITEMS + 1), range(0, 24 * DAY, 5 * DAY // 2)))
    user, item, time = (np.array(one, dtype=np.int64) for one in zip(*pairs, strict=True))
    expected = [
        max((t for u, i, k, t in events_of(log) if (u, i) == (a, b) and k == EventType.CART.code and t < at),
            default=NEVER) for a, b, at in pairs
    ]  # fmt: skip
    assert found.latest(user.astype(np.int32), item.astype(np.int32), time).tolist() == expected


def test_where_no_moment_is_said():
    assert ExampleSettings().moment == "any"
    assert ExampleSettings(horizon="session").moment == "visit"
    assert ExampleSettings(candidates="impressions").moment == "visit"
    assert ExampleSettings.saved({"target": "purchase"}).moment == "visit"
    assert ExampleSettings.saved({"target": "churn"}).moment == "any"
    assert ExampleSettings.saved({"moment": "any"}).moment == "any"
    with pytest.raises(ConfigError, match="horizon of days"):
        ExampleSettings().replace(horizon="session")
    with pytest.raises(ConfigError, match="asked at any moment"):
        ExampleSettings().replace(target="churn", moment="visit")

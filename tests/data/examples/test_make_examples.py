"""Examples have the labels that a slow reading of the log gives, and know nothing of what comes after their end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples, corrected
from shopkeeper.data.examples.make import make_examples
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import INTEREST_TYPES, EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ConfigError, DataError
from small_logs import DAY, N_ITEMS, seeds, small_log

horizons = st.sampled_from(["days", "session", "next_event"])
few = settings(max_examples=30)
INTEREST = {event_type.code for event_type in INTEREST_TYPES}


def rows_of(log: Dataset) -> list[tuple[int, int, int, int, int, int]]:
    """Place, shopper, item, type, moment and session of each event."""
    events = log.histories
    return [
        (place, int(user) + 1, int(item), int(kind), int(time), int(session))
        for place, (user, item, kind, time, session) in enumerate(
            zip(events.rows, events.item_index, events.event_type, events.timestamp, log.session_index, strict=True)
        )
    ]


def made(log: Dataset, settings: ExampleSettings, **window: int) -> Examples | None:
    try:
        return make_examples(log, settings, **window)
    except DataError:
        return None


def as_labels(examples: Examples) -> dict[tuple[int, int, int], float]:
    keys = zip(examples.user_index, examples.item_index, examples.timestamp, strict=True)
    found = {(int(u), int(i), int(t)): float(label) for (u, i, t), label in zip(keys, examples.label, strict=True)}
    assert len(found) == len(examples)
    return found


@few
@given(seeds, horizons, st.sampled_from(list(EventType)), st.sampled_from(["view", "cart", "purchase"]))
def test_examples_at_events_have_the_labels_of_the_log(seed, horizon, at, target):
    log = small_log(seed)
    examples = made(log, ExampleSettings(target=target, given=at, horizon=horizon, days=4, moment="visit"))
    if examples is None:
        return
    rows, end = rows_of(log), int(log.histories.timestamp.max()) + 1
    expected: dict[tuple[int, int, int], float] = {}
    for place, user, item, kind, time, session in rows:
        if kind != at.code or (horizon == "days" and time + 4 * DAY > end):
            continue
        same = at.value == target
        later = [row for row in rows if row[1] == user and row[0] > place and (row[4] > time or not same)]
        of_target = [row for row in later if row[2] == item and row[3] == EventType(target).code]
        if horizon == "days":
            came = any(row[4] < time + 4 * DAY for row in of_target)
        elif horizon == "session":
            came = any(row[5] == session for row in of_target)
        else:
            shown = [row[4] for row in later if row[3] in INTEREST]
            came = bool(shown) and any(row[4] == shown[0] for row in of_target[:1])
        expected.setdefault((user, item, time), float(came))
    assert as_labels(examples) == expected


@few
@given(seeds, horizons)
def test_pairs_with_the_catalog_have_the_labels_of_the_log(seed, horizon):
    log = small_log(seed)
    asked = ExampleSettings(
        candidates="catalog", horizon=horizon, days=4, negatives=1000, moments_a_user=None, moment="visit"
    )
    examples = made(log, asked)
    if examples is None:
        return
    rows, end = rows_of(log), int(log.histories.timestamp.max()) + 1
    expected: dict[tuple[int, int, int], float] = {}
    for _, user, _, kind, time, _ in rows:
        if kind not in INTEREST or (horizon == "days" and time + 4 * DAY > end):
            continue
        session = next(row[5] for row in rows if row[1] == user and row[4] == time)
        for item in {row[2] for row in rows if row[4] < time}:
            future = [row for row in rows if row[1] == user and row[4] >= time]
            inside = {
                "days": [row for row in future if row[4] < time + 4 * DAY],
                "session": [row for row in future if row[5] == session],
                "next_event": [row for row in future if row[4] == time],
            }[horizon]
            expected[user, item, time] = float(any(r[2] == item and r[3] == EventType.PURCHASE.code for r in inside))
    assert examples.negative_rate == 1.0
    assert as_labels(examples) == expected


@few
@given(seeds, st.sampled_from([("catalog", "any"), ("catalog", "visit"), ("impressions", "visit")]), st.integers(4, 30))
def test_nothing_after_the_end_changes_an_example(seed, kind, until_tick):
    log = small_log(seed)
    until = until_tick * DAY // 2
    asked = ExampleSettings(candidates=kind[0], moment=kind[1], days=2, negatives=2)
    other = replace(
        log.histories,
        item_index=np.where(log.histories.timestamp >= until, N_ITEMS, log.histories.item_index).astype(np.int32),
        event_type=np.where(log.histories.timestamp >= until, 5, log.histories.event_type).astype(np.uint8),
    )
    before, after = made(log, asked, until=until), made(replace(log, histories=other), asked, until=until)
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        assert before.timestamp.max() + 2 * DAY <= until
        for name in ("user_index", "item_index", "timestamp", "label"):
            np.testing.assert_array_equal(getattr(before, name), getattr(after, name))


@few
@given(seeds)
def test_who_stays_away_and_what_is_paid(seed):
    log = small_log(seed)
    churn = made(log, ExampleSettings(target="churn", days=5, every_days=3, active_days=6))
    amount = made(log, ExampleSettings(target="amount", days=5, every_days=3, active_days=6))
    if churn is None or amount is None:
        return
    np.testing.assert_array_equal(churn.user_index, amount.user_index)
    rows = rows_of(log)
    for user, time, away, paid in zip(churn.user_index, churn.timestamp, churn.label, amount.label, strict=True):
        mine = [row for row in rows if row[1] == user]
        assert any(time - 6 * DAY <= row[4] < time and row[3] in INTEREST for row in mine)
        inside = [row for row in mine if time <= row[4] < time + 5 * DAY]
        assert away == float(not any(row[3] in INTEREST for row in inside))
        values = [log.price[row[0]] * log.quantity[row[0]] for row in inside if row[3] == EventType.PURCHASE.code]
        assert paid == pytest.approx(np.nansum(values))
    assert not ((log.histories.timestamp.max() + 1 - 5 * DAY - churn.timestamp) % (3 * DAY)).any()


def big_log(n_users: int = 300, n_items: int = 200) -> Dataset:
    rng = np.random.default_rng(0)
    walks = [rng.integers(1, n_items + 1, 10) for _ in range(n_users)]
    histories = Histories.of_items(walks, EventType.PURCHASE)
    return Dataset(Vocabulary(range(n_users)), Vocabulary(range(n_items)), histories)


def test_negatives_are_a_sample_at_one_stated_rate():
    asked = ExampleSettings(horizon="next_event", negatives=10, moments_a_user=2)
    all_pairs = make_examples(big_log(), asked.replace(negatives=1e6))
    drawn = make_examples(big_log(), asked)
    assert all_pairs.negative_rate == 1
    assert drawn.label.sum() == all_pairs.label.sum()
    assert (drawn.label == 0).mean() > 0.85
    np.testing.assert_allclose(drawn.weight.sum(), len(all_pairs), rtol=0.03)
    assert np.bincount(drawn.user_index)[1:].max() < 60
    again = make_examples(big_log(), asked)
    np.testing.assert_array_equal(drawn.item_index, again.item_index)


def test_the_correction_gives_back_the_share_of_all_pairs():
    n_positive, n_negative, rate = 30.0, 9970.0, 0.05
    among_drawn = np.array([n_positive / (n_positive + rate * n_negative), 0.0, 1.0])
    np.testing.assert_allclose(corrected(among_drawn, rate), [0.003, 0.0, 1.0])


def test_what_is_logged_as_shown_is_taken_first():
    log = small_log(1)
    shown = make_examples(log, ExampleSettings(target="view", horizon="next_event"))
    assert set(zip(shown.user_index, shown.item_index, shown.timestamp, strict=True)) <= {
        (row[1], row[2], row[4]) for row in rows_of(log) if row[3] == EventType.IMPRESSION.code
    }
    assert shown.placement is not None


def test_errors_say_what_is_missing():
    log = big_log()
    with pytest.raises(DataError, match="no event of type cart to learn from"):
        make_examples(log, ExampleSettings(target="cart", horizon="next_event"))
    with pytest.raises(DataError, match="no sessions"):
        make_examples(log, ExampleSettings(horizon="session"))
    with pytest.raises(DataError, match="no moment of a shopper has its horizon"):
        make_examples(log, ExampleSettings(days=400, moment="visit"))
    with pytest.raises(DataError, match="no shopper is active at a moment"):
        make_examples(log, ExampleSettings(days=400))
    with pytest.raises(DataError, match="no prices"):
        make_examples(small_log_without_prices(), ExampleSettings(target="amount", days=1, every_days=1))
    with pytest.raises(DataError, match="no event"):
        make_examples(log.without_events())
    with pytest.raises(ConfigError, match="within days"):
        build(ExampleSettings, {"target": "churn", "horizon": "session"})
    with pytest.raises(ConfigError, match="say the event"):
        build(ExampleSettings, {"candidates": "given"})


def small_log_without_prices() -> Dataset:
    return replace(small_log(0), price=None)

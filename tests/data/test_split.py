"""Every kind of split, on logs small enough to check by eye, and properties on random ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.data.schema import EventType
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ConfigError, DataError

DAY = 86_400 * 1_000_000
START = datetime(1970, 1, 1)
V, P, R, I = (event.code for event in (EventType.VIEW, EventType.PURCHASE, EventType.RETURN, EventType.IMPRESSION))  # noqa: E741


def log(*shoppers: list[tuple], **extra) -> Dataset:
    """A log of shoppers u0, u1, ...; an event is (item letter, day) or (item letter, day, type code)."""
    events = [event if len(event) == 3 else (*event, V) for row in shoppers for event in row]
    items = sorted({event[0] for event in events})
    histories = Histories(
        np.concatenate([[0], np.cumsum([len(row) for row in shoppers])]).astype(np.int64),
        np.array([items.index(event[0]) + 1 for event in events], dtype=np.int32),
        np.array([event[2] for event in events], dtype=np.uint8),
        np.array([event[1] * DAY for event in events], dtype=np.int64),
    )
    users = pa.array([f"u{place}" for place in range(len(shoppers))])
    return Dataset(Vocabulary(users), Vocabulary(pa.array(items)), histories, **extra)


def read(holdout: Holdout, train: Dataset) -> dict[str, tuple[str, str]]:
    """History and targets of each shopper asked, in letters, `?` for an item that training has not seen."""
    letters = ["?", *train.items.arrow.to_pylist()]

    def word(histories: Histories, place: int) -> str:
        return "".join(letters[item] for item in histories.items_of(place))

    users = holdout.user_ids.to_pylist()
    return {user: (word(holdout.histories, i), word(holdout.targets, i)) for i, user in enumerate(users)}


def letters_of(train: Dataset) -> dict[str, str]:
    ids = train.items.arrow.to_pylist()
    users = train.users.arrow.to_pylist()
    return {user: "".join(ids[item - 1] for item in train.histories.items_of(i)) for i, user in enumerate(users)}


def at(day: int) -> datetime:
    return START + timedelta(days=day)


TIMED = log(
    [("a", 0), ("b", 1), ("c", 10), ("d", 20)],
    [("a", 2), ("a", 11), ("z", 12), ("a", 21)],
    [("z", 10), ("z", 13), ("b", 13), ("y", 22)],
    [("c", 3)],
)
BY_TIME = SplitSettings(train_until=at(10), validation_until=at(20))


def test_global_time_divides_by_moments_and_uses_the_vocabulary_of_training():
    parts = split(TIMED, BY_TIME)
    assert letters_of(parts.train) == {"u0": "ab", "u1": "a", "u3": "c"}
    assert parts.train.items.arrow.to_pylist() == ["a", "b", "c"]
    assert read(parts.validation, parts.train) == {"u0": ("ab", "c"), "u1": ("a", "a?"), "u2": ("", "?b")}
    assert read(parts.test, parts.train) == {"u0": ("abc", "?"), "u1": ("aa", "a"), "u2": ("b", "?")}
    assert not parts.leaks_future


def test_placements_that_training_has_not_seen_are_not_known():
    data = log([("a", 1), ("b", 1), ("c", 2), ("d", 3)], placements=Vocabulary(["app", "cart", "mail"]))
    placed = replace(data, histories=replace(data.histories, placement=np.array([3, 0, 1, 3], np.uint8)))
    parts = split(placed, SplitSettings(kind="leave_one_out"))
    assert parts.train.placements == Vocabulary(["mail"])
    assert parts.train.histories.placement.tolist() == [1, 0]
    assert parts.test.histories.placement.tolist() == [1, 0]
    assert parts.test.targets.placement.tolist() == [1]
    assert parts.validation.targets.placement.tolist() == [0]
    assert split(data, SplitSettings(kind="leave_one_out")).train.placements is None


def test_a_new_shopper_has_index_zero_and_the_history_of_the_part_before():
    parts = split(TIMED, BY_TIME)
    assert parts.validation.user_index.tolist() == [1, 2, 0]
    assert parts.validation.histories.lengths.tolist() == [2, 1, 0]
    assert parts.test.ignored_history_events == 3  # z of u1, z and z of u2


def test_unseen_targets_that_repeat_are_kept_once_and_seen_ones_all():
    parts = split(log([("a", 0), ("z", 5), ("z", 6), ("y", 7), ("a", 7), ("a", 8)], [("a", 9)]), BY_TIME_5)
    assert read(parts.validation, parts.train) == {"u0": ("a", "??aa")}


BY_TIME_5 = SplitSettings(train_until=at(5), validation_until=at(9))


def test_the_gap_trains_nothing_and_is_known_when_asked():
    parts = split(TIMED, BY_TIME.replace(gap_days=2.0))
    assert letters_of(parts.train) == {"u0": "ab", "u1": "a", "u3": "c"}
    assert read(parts.validation, parts.train) == {"u1": ("aa", "?"), "u2": ("", "?b")}


def test_a_gap_beyond_validation_is_refused():
    with pytest.raises(ConfigError, match="nothing is left to validate on"):
        split(TIMED, BY_TIME.replace(gap_days=10.0))


def test_moments_with_a_time_zone_are_converted():
    east = timezone(timedelta(hours=2))
    settings = SplitSettings(
        train_until=at(10).replace(hour=2, tzinfo=east), validation_until=at(20).replace(hour=2, tzinfo=east)
    )
    assert split(TIMED, settings).facts == split(TIMED, BY_TIME).facts


def test_recorded_moments_count_where_settings_give_none():
    recorded = log(
        [("a", 0), ("b", 4), ("a", 6), ("b", 8)],
        facts={"cutoffs": {"train_until": 5 * DAY, "validation_until": 7 * DAY}},
    )
    parts = split(recorded, SplitSettings())
    assert read(parts.validation, parts.train) == {"u0": ("ab", "a")}
    assert parts.facts["cutoffs"]["train_until"] == "1970-01-06T00:00:00+00:00"


@pytest.mark.parametrize(
    "given_moments",
    [{}, {"train_until": at(80)}, {"validation_until": at(90)}, {"train_until": at(80), "validation_until": at(90)}],
)
def test_missing_moments_are_chosen_by_shares(given_moments):
    parts = split(log([("a", day) for day in range(100)]), SplitSettings(**given_moments))
    assert (parts.train.n_events, parts.validation.targets.n_events, parts.test.targets.n_events) == (80, 10, 10)


def test_types_are_respected_and_returns_and_impressions_stay_out():
    data = log(
        [("a", 0, V), ("b", 1, I), ("c", 2, R), ("d", 3, P), ("a", 10, V), ("a", 11, P), ("d", 20, P), ("d", 21, R)]
    )
    parts = split(data, BY_TIME.replace(target_types=["purchase"]))
    assert letters_of(parts.train) == {"u0": "ad"}
    assert read(parts.validation, parts.train) == {"u0": ("ad", "a")}
    assert read(parts.test, parts.train) == {"u0": ("adaa", "d")}
    assert parts.validation.targets.event_type.tolist() == [P]


def test_target_value_is_price_times_quantity_where_known():
    price = np.array([1, 2, np.nan], dtype=np.float32)
    data = log([("a", 0), ("a", 10), ("a", 20)], price=price, quantity=np.array([1, 3, 1], dtype=np.float32))
    parts = split(data, BY_TIME)
    assert parts.validation.target_value.tolist() == [6.0]
    assert np.isnan(parts.test.target_value).tolist() == [True]


def test_leave_one_out_takes_the_last_two_and_keeps_row_order_in_ties():
    parts = split(
        log([("a", 0), ("b", 1), ("c", 1), ("d", 1)], [("a", 9), ("b", 9), ("c", 9)]),
        SplitSettings(kind="leave_one_out"),
    )
    assert letters_of(parts.train) == {"u0": "ab", "u1": "a"}
    assert read(parts.validation, parts.train) == {"u0": ("ab", "?"), "u1": ("a", "b")}
    assert read(parts.test, parts.train) == {"u0": ("ab", "?"), "u1": ("ab", "?")}
    assert parts.leaks_future


def test_leave_one_out_asks_nothing_without_a_history():
    parts = split(log([("a", 0)], [("a", 0), ("b", 1)], [("b", 0)]), SplitSettings(kind="leave_one_out"))
    assert letters_of(parts.train) == {"u0": "a", "u1": "a", "u2": "b"}
    assert len(parts.validation) == 0
    assert read(parts.test, parts.train) == {"u1": ("a", "b")}


def test_leave_one_out_of_purchases_keeps_the_views_between():
    data = log([("a", 0), ("b", 1, P), ("a", 2), ("a", 3, P), ("b", 4)], [("b", 0)])
    parts = split(data, SplitSettings(kind="leave_one_out", target_types=["purchase"]))
    assert letters_of(parts.train) == {"u0": "a", "u1": "b"}
    assert read(parts.validation, parts.train) == {"u0": ("a", "b")}
    assert read(parts.test, parts.train) == {"u0": ("aba", "a")}


def test_ratio_takes_the_last_share_of_each_shopper():
    parts = split(
        log([(letter, 0) for letter in "abcdefghijabcdefghij"], [("a", 0), ("a", 1), ("b", 2)], [("a", 5)]),
        SplitSettings(kind="ratio"),
    )
    assert letters_of(parts.train) == {"u0": "abcdefghijabcdef", "u1": "a", "u2": "a"}
    assert read(parts.validation, parts.train) == {"u0": ("abcdefghijabcdef", "gh"), "u1": ("a", "a")}
    assert read(parts.test, parts.train) == {"u0": ("abcdefghijabcdefgh", "ij"), "u1": ("aa", "b")}


def test_sessions_stay_whole_and_the_last_event_is_asked():
    days = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9]
    data = log(
        [("ab"[place % 2], day) for place, day in enumerate(days)],
        session_index=np.repeat(np.arange(10), 2).astype(np.int32),
    )
    parts = split(data, SplitSettings(kind="session"))
    assert parts.train.n_events == 16
    assert read(parts.validation, parts.train) == {"u0": ("ab" * 8 + "a", "b")}
    assert read(parts.test, parts.train) == {"u0": ("ab" * 9 + "a", "b")}


def test_a_session_across_a_boundary_trains_nothing():
    session = np.array([0, 0, 1, 1, 1, 2, 2], dtype=np.int32)
    data = log([("a", 0), ("b", 1), ("a", 2), ("b", 3), ("a", 9), ("a", 8), ("b", 10)], session_index=session)
    parts = split(data, SplitSettings(kind="session", validation_share=0.3, test_share=0.3))
    assert letters_of(parts.train) == {"u0": "ab"}
    assert len(parts.validation) == 0


def test_a_split_by_session_needs_sessions():
    with pytest.raises(DataError, match="needs sessions"):
        split(TIMED, SplitSettings(kind="session"))


def test_shoppers_held_out_whole_are_unknown_to_training():
    parts = split(
        log(*[[("a", 0), ("b", 1)] for _ in range(10)]),
        SplitSettings(kind="user", validation_share=0.2, test_share=0.3),
    )
    assert (len(parts.train.users), len(parts.validation), len(parts.test)) == (5, 2, 3)
    assert set(read(parts.test, parts.train).values()) == {("a", "b")}
    assert not parts.test.user_index.any()


def test_a_sample_of_shoppers_is_fixed_by_the_seed():
    data = log(*[[("a", 0), ("b", 1), ("a", 2)] for _ in range(50)])
    asked = [
        split(data, SplitSettings(kind="leave_one_out", max_users=5, seed=seed)).test.user_ids for seed in (1, 1, 2)
    ]
    assert len(asked[0]) == 5
    assert asked[0].equals(asked[1])
    assert not asked[0].equals(asked[2])


@pytest.mark.parametrize("kind", ["global_time", "leave_one_out", "ratio", "user"])
def test_a_log_that_leaves_nothing_to_train_on_is_refused(kind):
    with pytest.raises(DataError, match="leaves no event to train on"):
        split(log([("a", 0, R)]), SplitSettings(kind=kind))


def test_shares_of_one_are_refused():
    with pytest.raises(ConfigError, match="nothing to train on"):
        split(TIMED, SplitSettings(validation_share=0.5, test_share=0.5))


@st.composite
def logs(draw) -> Dataset:
    shoppers = draw(
        st.lists(st.lists(st.tuples(st.sampled_from("abcdefg"), st.integers(0, 9)), max_size=9), min_size=2, max_size=6)
    )
    shoppers[0] = [("a", 0), ("b", 4), *shoppers[0]]
    data = log(*[sorted(row, key=lambda event: event[1]) for row in shoppers])
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    return Dataset(
        data.users,
        data.items,
        data.histories,
        session_index=np.sort(rng.integers(0, 9, data.n_events)).astype(np.int32),
    )


@given(logs(), st.sampled_from(["global_time", "leave_one_out", "ratio", "session", "user"]))
@settings(max_examples=150, deadline=None)
def test_no_event_is_in_two_parts_and_histories_come_before_targets(data, kind):
    try:
        parts = split(data, SplitSettings(kind=kind, validation_share=0.25, test_share=0.25))
    except (DataError, ConfigError):
        return
    held_out = parts.validation.targets.n_events + parts.test.targets.n_events
    assert parts.train.n_events + held_out <= data.n_events
    assert parts.train.histories.item_index.min() >= 1
    for part in (parts.validation, parts.test):
        assert (part.targets.lengths > 0).all()
        assert (part.histories.item_index > 0).all()
        for place in range(len(part)):
            history = part.histories.slice(place, place + 1).timestamp
            assert len(history) == 0 or history.max() <= part.targets.slice(place, place + 1).timestamp.min()
    if not parts.leaks_future and len(parts.test):
        assert parts.train.histories.timestamp.max() < parts.test.targets.timestamp.min()

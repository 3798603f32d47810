"""Live histories: nothing lost, nothing twice, in the order of time, and nothing of a forgotten shopper."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopkeeper.data.cleaning.log import Log
from shopkeeper.data.cleaning.reasons import KEPT
from shopkeeper.data.cleaning.returns import net_returns
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.schema import EVENT_TYPES, EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.pipeline.card import StorePosition
from shopkeeper.recommenders.popular import MostPopular
from shopkeeper.serving.event_columns import RECORD, thinned
from shopkeeper.serving.event_store.records import IdKinds, ShopEvent, StoredEvent
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.profiles import Profiles
from shopkeeper.types import Id

KINDS = IdKinds(user_integer=True, item_integer=False)
DAY = 86_400_000_000
KNOWN, NEW = 100, 999
"""A shopper of the bundle, whose 8 events lie in the first 8 seconds of 1970, and one that it does not know."""


@pytest.fixture
def model(cycle: Dataset) -> MostPopular:
    return MostPopular().fit(cycle)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    opened = EventStore.open(tmp_path / "shop.db", KINDS)
    yield opened
    opened.close()


@pytest.fixture
def profiles(model: MostPopular, store: EventStore) -> Profiles:
    return Profiles(model, store)


_number = iter(range(10**9))


def event(user: Id, item: int | str, time: int = DAY, kind: EventType = EventType.VIEW) -> ShopEvent:
    item_id = f"item-{item:02d}" if isinstance(item, int) else item
    return ShopEvent(f"e{next(_number)}", user, item_id, kind, time)


def add(store: EventStore, *events: ShopEvent) -> list[StoredEvent]:
    sequences = store.add(events)
    return [StoredEvent(sequence, one) for sequence, one in zip(sequences, events, strict=True) if sequence is not None]


def items(profiles: Profiles, user: Id) -> list[int]:
    history = profiles.history(user)
    assert len(history) == 1
    assert len(history.item_index) == len(history.event_type) == len(history.timestamp) == history.offsets[1]
    assert (np.diff(history.timestamp) >= 0).all()
    return history.item_index.tolist()


def test_a_shopper_of_the_bundle_has_the_history_of_the_bundle(profiles: Profiles, model: MostPopular) -> None:
    assert items(profiles, KNOWN) == model.memory.histories.items_of(0).tolist()
    assert profiles.history(KNOWN).item_index.dtype == np.int32
    assert profiles.history(KNOWN).event_type.dtype == np.uint8
    assert profiles.user_index(KNOWN) == 1
    assert profiles.knows(KNOWN)
    assert profiles.n_live_users == 0


def test_nobody_has_an_empty_history(profiles: Profiles) -> None:
    for nobody in (NEW, "100", 2**70):
        assert items(profiles, nobody) == []
        assert profiles.user_index(nobody) == 0
        assert not profiles.knows(nobody)


def test_events_follow_the_history_of_the_bundle_at_once(
    profiles: Profiles, store: EventStore, model: MostPopular
) -> None:
    base = model.memory.histories.items_of(0).tolist()
    profiles.apply(add(store, event(KNOWN, 3), event(NEW, 5), event(KNOWN, 4, kind=EventType.PURCHASE)))
    assert items(profiles, KNOWN) == [*base, 3, 4]
    assert profiles.history(KNOWN).event_type[-1] == EventType.PURCHASE.code
    assert items(profiles, NEW) == [5]
    assert profiles.knows(NEW)
    assert profiles.n_live_users == 2


def test_placements_are_told_in_the_words_of_training(cycle: Dataset, store: EventStore) -> None:
    placed = replace(cycle.histories, placement=np.full(cycle.n_events, 2, np.uint8))
    model = MostPopular().fit(replace(cycle, histories=placed, placements=Vocabulary(["cart", "home"])))
    profiles, fresh = Profiles(model, store), Profiles(model, store)
    where = ("cart", "nowhere", None)
    profiles.apply(add(store, *(event(user, 3)._replace(placement=place) for user in (KNOWN, NEW) for place in where)))
    fresh.catch_up()
    for one in (profiles, fresh):
        assert one.history(KNOWN).placement.tolist() == [*[2] * 8, 1, 0, 0]
        assert one.history(NEW).placement.tolist() == [1, 0, 0]
        assert one.history(NEW + 1).placement.tolist() == []


def test_without_placements_in_training_there_are_none(profiles: Profiles, store: EventStore) -> None:
    profiles.apply(add(store, event(KNOWN, 3)._replace(placement="cart")))
    assert profiles.history(KNOWN).placement is None


def test_late_events_take_their_place_in_time(profiles: Profiles, store: EventStore, model: MostPopular) -> None:
    base = model.memory.histories.items_of(0).tolist()
    profiles.apply(add(store, *(event(NEW, item, time=item * DAY) for item in (5, 2, 9, 1, 2))))
    assert items(profiles, NEW) == [1, 2, 2, 5, 9]
    profiles.apply(add(store, event(KNOWN, 11, time=3_500_000), event(KNOWN, 12, time=DAY)))
    assert items(profiles, KNOWN) == [*base[:4], 11, *base[4:], 12]


def test_events_of_one_moment_keep_their_order(profiles: Profiles, store: EventStore) -> None:
    profiles.apply(add(store, *(event(NEW, item) for item in (5, 2, 9))))
    assert items(profiles, NEW) == [5, 2, 9]


def test_of_old_views_the_newest_of_each_item_stays_and_of_all_else_everything(
    model: MostPopular, store: EventStore
) -> None:
    """However few events models read: what decides about hiding must not be lost."""
    profiles = Profiles(model, store, max_history=4)
    assert items(profiles, KNOWN) == model.memory.histories.items_of(0).tolist()
    bought = [event(NEW, item, time=item, kind=EventType.PURCHASE) for item in (1, 2, 1)]
    viewed = [event(NEW, 3 + number % 5, time=DAY + number) for number in range(1000)]
    profiles.apply(add(store, event(NEW, 12, time=0), *bought, *viewed))
    later = Profiles(model, store, max_history=4)
    later.catch_up()
    for one in (profiles, later):
        assert sorted(items(one, NEW)[:4]) == [1, 1, 2, 12]
        assert items(one, NEW)[-9:] == [3 + number % 5 for number in range(991, 1000)]
        assert len(items(one, NEW)) < 200


def test_thinned_records_know_every_item_and_when_it_was_last_seen() -> None:
    rng = np.random.default_rng(0)
    events = [
        (number, number, int(rng.integers(1, 9)), int(rng.choice([2, 3, 4, 5, 6, 7])), 0, np.nan, np.nan)
        for number in range(300)
    ]
    records = b"".join(RECORD.pack(*one) for one in events)
    left = [RECORD.unpack_from(thinned(records, 50), place) for place in
            range(0, len(thinned(records, 50)), RECORD.size)]  # fmt: skip
    newest = {(item, kind): number for number, _, item, kind, *_ in events[:250]}
    expected = [one[0] for one in events if one[0] >= 250 or one[3] > 3 or newest[one[2], one[3]] == one[0]]
    assert [one[0] for one in left] == expected


def test_unknown_items_and_impressions_are_passed_over(profiles: Profiles, store: EventStore) -> None:
    profiles.apply(add(store, event(NEW, "no such"), event(NEW, 1, kind=EventType.IMPRESSION)))
    assert items(profiles, NEW) == []
    assert profiles.n_live_users == 0


def test_a_return_takes_the_latest_purchase_back(profiles: Profiles, store: EventStore) -> None:
    buy, back = EventType.PURCHASE, EventType.RETURN
    steps = [(1, buy), (2, buy), (1, buy), (1, EventType.VIEW), (1, back), (3, back)]
    profiles.apply(add(store, *(event(NEW, item, DAY + place, kind) for place, (item, kind) in enumerate(steps))))
    assert items(profiles, NEW) == [1, 2, 1]
    assert profiles.history(NEW).event_type.tolist() == [buy.code, buy.code, EventType.VIEW.code]
    profiles.apply(add(store, event(NEW, 1, 2 * DAY, back)))
    assert items(profiles, NEW) == [2, 1]


def test_one_of_two_pieces_sent_back_leaves_a_purchase(profiles: Profiles, store: EventStore) -> None:
    bought = event(NEW, 1, DAY, EventType.PURCHASE)._replace(quantity=2.0)
    back = event(NEW, 1, 2 * DAY, EventType.RETURN)._replace(quantity=1.0)
    profiles.apply(add(store, bought, back))
    assert items(profiles, NEW) == [1]
    assert profiles.own_events(NEW).quantity.tolist() == [1.0]
    profiles.apply(add(store, back._replace(event_id="the other piece", timestamp=3 * DAY)))
    assert items(profiles, NEW) == []


def test_what_was_taken_out_of_the_cart_is_not_in_it(profiles: Profiles, store: EventStore) -> None:
    steps = [(1, EventType.CART), (2, EventType.CART), (1, EventType.REMOVE_FROM_CART)]
    profiles.apply(add(store, *(event(NEW, item, DAY + place, kind) for place, (item, kind) in enumerate(steps))))
    assert items(profiles, NEW) == [2]


trades = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([EventType.PURCHASE, EventType.RETURN, EventType.VIEW]),
              st.none() | st.integers(1, 4)),
    min_size=1, max_size=25,
)  # fmt: skip


@given(trades)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_returns_leave_what_prepare_leaves(
    model: MostPopular, tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, EventType, int | None]]
) -> None:
    log = Log(
        user=np.ones(len(rows), np.int32), item=np.array([item for item, _, _ in rows], np.int32),
        event_type=np.array([kind.code for _, kind, _ in rows], np.uint8), time=np.arange(len(rows)) + DAY,
        row=np.arange(len(rows)), quantity=np.array([np.nan if n is None else n for *_, n in rows], np.float32),
    )  # fmt: skip
    log.keep(net_returns(log, None).reason == KEPT)
    opened = EventStore.open(tmp_path_factory.mktemp("store") / "shop.db", KINDS)
    profiles = Profiles(model, opened)
    events = [event(NEW, item, DAY + place, kind) for place, (item, kind, _) in enumerate(rows)]
    profiles.apply(add(opened, *(one._replace(quantity=row[2]) for one, row in zip(events, rows, strict=True))))
    opened.close()
    own, history = profiles.own_events(NEW), profiles.history(NEW)
    for live in (own.events, history):
        assert live.timestamp.tolist() == log.time.tolist()
        assert live.item_index.tolist() == log.item.tolist()
    np.testing.assert_array_equal(own.quantity, log.quantity)


def test_nothing_is_applied_twice_nor_lost(profiles: Profiles, store: EventStore) -> None:
    mine = add(store, event(NEW, 1))
    add(store, event(NEW, 2))  # of another process
    more = add(store, event(NEW, 3))
    profiles.apply(mine)
    profiles.apply([*mine, *more])
    assert items(profiles, NEW) == [1, 3]
    assert profiles.catch_up() == 1
    assert sorted(items(profiles, NEW)) == [1, 2, 3]
    assert profiles.catch_up() == 0
    profiles.apply([*mine, *more])
    assert len(items(profiles, NEW)) == 3
    assert profiles.position == store.position().replace(item_changes=None, epoch=None)  # which the service follows


def test_two_processes_see_each_others_events(model: MostPopular, store: EventStore) -> None:
    one, other = Profiles(model, store), Profiles(model, store)
    for number in range(30):
        writer, reader = (one, other) if number % 2 else (other, one)
        writer.apply(add(store, event(NEW, number % 12 + 1, time=number)))
        reader.catch_up()
        assert items(one, NEW) == items(other, NEW) or number == 0
    assert len(items(one, NEW)) == 30


def test_a_bundle_that_holds_events_of_the_store_takes_only_later_ones(model: MostPopular, store: EventStore) -> None:
    add(store, event(NEW, 1), event(NEW, 2))
    since = store.position()
    add(store, event(NEW, 3))
    for position, expected in [
        (since, [3]),
        (None, [1, 2, 3]),
        (StorePosition(store_id="another store", sequence=99), [1, 2, 3]),
    ]:
        profiles = Profiles(model, store, since=position)
        profiles.catch_up()
        assert items(profiles, NEW) == expected


def test_an_event_that_bundle_and_store_both_hold_counts_once(
    profiles: Profiles, store: EventStore, model: MostPopular
) -> None:
    """As where a bundle is trained on a log that was written out of the store, and its card names no position."""
    before = profiles.history(KNOWN)
    ids = model.train.items.ids(before.item_index)
    same = [
        ShopEvent(f"again-{place}", KNOWN, item, EVENT_TYPES[code - 1], time)
        for place, (item, code, time) in enumerate(
            zip(ids, before.event_type.tolist(), before.timestamp.tolist(), strict=True)
        )
    ]
    profiles.apply(add(store, *same))
    assert items(profiles, KNOWN) == before.item_index.tolist()
    last = same[-1]
    other = EventType.CART if last.event_type is not EventType.CART else EventType.LIKE
    new = [
        last._replace(event_id="of another kind", event_type=other),
        last._replace(event_id="a moment later", timestamp=last.timestamp + 1),
    ]
    profiles.apply(add(store, *new))
    assert items(profiles, KNOWN) == [*before.item_index.tolist(), *[int(before.item_index[-1])] * 2]


def test_a_forgotten_shopper_is_unknown_everywhere(model: MostPopular, store: EventStore) -> None:
    here, there = Profiles(model, store), Profiles(model, store)
    here.apply(add(store, event(KNOWN, 1), event(101, 2), event(NEW, 3)))
    there.catch_up()
    assert here.forget(KNOWN) == (1, 0)
    there.catch_up()
    later = Profiles(model, store)
    later.catch_up()
    for profiles in (here, there, later):
        assert items(profiles, KNOWN) == []
        assert profiles.user_index(KNOWN) == 0
        assert not profiles.knows(KNOWN)
        assert items(profiles, 101)[-1] == 2
        assert profiles.n_live_users == 2


def test_who_comes_back_begins_anew(model: MostPopular, store: EventStore) -> None:
    here, there = Profiles(model, store), Profiles(model, store)
    here.apply(add(store, event(KNOWN, 1), event(NEW, 1)))
    store.delete_user(KNOWN)
    store.delete_user(NEW)
    here.apply(add(store, event(KNOWN, 5), event(NEW, 6)))  # before it hears of the deletion
    here.catch_up()
    there.catch_up()
    for profiles in (here, there):
        assert items(profiles, KNOWN) == [5]
        assert items(profiles, NEW) == [6]
        assert profiles.user_index(KNOWN) == 0


def test_an_event_that_was_deleted_meanwhile_does_not_come_back(profiles: Profiles, store: EventStore) -> None:
    late = add(store, event(NEW, 1))
    profiles.forget(NEW)
    profiles.apply(late)
    assert items(profiles, NEW) == []


def test_a_bundle_made_after_the_deletion_counts(model: MostPopular, store: EventStore) -> None:
    store.delete_user(KNOWN)
    since = store.position()
    profiles = Profiles(model, store, since=since)
    profiles.catch_up()
    assert len(items(profiles, KNOWN)) == 8
    profiles.forget(KNOWN)
    assert items(profiles, KNOWN) == []


def test_threads_that_apply_and_catch_up_at_once_agree(model: MostPopular, store: EventStore) -> None:
    one, other = Profiles(model, store, max_history=1000), Profiles(model, store, max_history=1000)

    def work(number: int) -> None:
        writer, reader = (one, other) if number % 2 else (other, one)
        writer.apply(add(store, *(event(NEW + number % 3, item) for item in (1, 2, 3))))
        reader.catch_up()
        writer.history(NEW)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(work, range(90)))
    one.catch_up()
    other.catch_up()
    fresh = Profiles(model, store, max_history=1000)
    fresh.catch_up()
    for user in range(NEW, NEW + 3):
        assert len(items(one, user)) == 90
        assert sorted(items(one, user)) == sorted(items(other, user)) == sorted(items(fresh, user))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["mine", "theirs", "catch up", "forget"]), st.sampled_from([KNOWN, NEW]), st.integers(1, 12),
        st.integers(0, 9_000_000), st.sampled_from(list(EventType)),
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_story_ends_as_a_fresh_start(
    tmp_path_factory: pytest.TempPathFactory, model: MostPopular, steps: list[tuple[str, int, int, int, EventType]]
) -> None:
    store = EventStore.open(tmp_path_factory.mktemp("story") / "shop.db", KINDS)
    living = Profiles(model, store)
    for what, user, item, time, kind in steps:
        if what == "catch up":
            living.catch_up()
        elif what == "forget":
            store.delete_user(user)
        else:
            stored = add(store, event(user, item, time, kind))
            if what == "mine":
                living.apply(stored)
    living.catch_up()
    fresh = Profiles(model, store)
    fresh.catch_up()
    for user in (KNOWN, NEW):
        assert sorted(items(living, user)) == sorted(items(fresh, user))
        assert profiles_alike(living, fresh, user)
    store.close()


def profiles_alike(one: Profiles, other: Profiles, user: Id) -> bool:
    same = one.user_index(user) == other.user_index(user) and one.knows(user) == other.knows(user)
    return same and one.history(user).timestamp.tolist() == other.history(user).timestamp.tolist()

"""What one caller sees of the store, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from shop_events import SECOND, START, shop_event
from sqlalchemy import select, update

from shopkeeper.data.schema import EventType
from shopkeeper.errors import ConfigError, DataError, StoreError
from shopkeeper.serving.event_store import tables
from shopkeeper.serving.event_store.database import Database
from shopkeeper.serving.event_store.records import AnswerRecord, IdKinds, ShopEvent, TrafficMinute, user_digest
from shopkeeper.serving.event_store.store import EventStore

TEXT_IDS = IdKinds(user_integer=False, item_integer=False)
NUMBERS = IdKinds(user_integer=True, item_integer=True)
STRANGE = [
    "o'neil",
    'say "hi"',
    "a/b\\c",
    "; drop table events; --",
    "%s {0} :name",
    "茶 🍵",
    "👩‍👩‍👧",
    " padded ",
    "007",
    "",
]


def full_event(event_id: str = "full") -> ShopEvent:
    return ShopEvent(
        event_id, "ann", "tea", EventType.PURCHASE, START + 7, "s-1", 2.5, 3.99, "home", "reco-1", position=3
    )


def answer_of(number: int, user_id: str | None = "ann", second: int = 0) -> AnswerRecord:
    return AnswerRecord(
        f"reco-{number}",
        user_id,
        START + second * SECOND,
        "home",
        "SASRec",
        ("tea", "cup"),
        ("SASRec", "MostPopular"),
        1,
    )


def test_the_file_is_of_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = EventStore.open(tmp_path / "shop.db", IdKinds(user_integer=False, item_integer=False))
        store.ping()
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
        store.close()
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}
    assert {"shop.db", "shop.db-wal"} <= modes.keys()


def test_what_goes_in_comes_out(store: EventStore) -> None:
    assert store.add([full_event(), shop_event("bare")]) == [1, 2]
    assert [stored.sequence for stored in store.after(0, 10)] == [1, 2]
    assert [stored.event for stored in store.after(0, 10)] == [full_event(), shop_event("bare")]
    assert store.after(0, 1)[0].event == full_event()
    assert [stored.sequence for stored in store.after(1, 10)] == [2]
    assert store.after(2, 10) == []
    assert store.add([]) == []


def test_every_event_type_comes_back(store: EventStore) -> None:
    events = [shop_event(kind.value)._replace(event_type=kind) for kind in EventType]
    store.add(events)
    assert [stored.event.event_type for stored in store.after(0, 10)] == list(EventType)


def test_the_same_event_id_changes_nothing(store: EventStore) -> None:
    assert store.add([shop_event("a", "ann"), shop_event("b"), shop_event("a", "bob")]) == [1, 2, None]
    again = store.add([shop_event("c"), shop_event("b", "eve"), shop_event("a")])
    assert again[1:] == [None, None]
    assert again[0] is not None
    assert {stored.event.event_id: stored.event.user_id for stored in store.after(0, 10)} == {
        "a": "ann", "b": "ann", "c": "ann",
    }  # fmt: skip


def test_a_batch_beyond_the_limit_of_parameters_is_whole_and_in_order(store: EventStore) -> None:
    sequences = store.add([shop_event(f"e{number}") for number in range(7000)])
    assert sequences == sorted(sequences, key=lambda one: one or 0)
    assert [stored.event.event_id for stored in store.after(0, 10_000)] == [f"e{number}" for number in range(7000)]


@pytest.mark.parametrize("strange", STRANGE)
def test_strange_ids_come_back_as_they_were(store: EventStore, strange: str) -> None:
    event = full_event(strange)._replace(user_id=strange, item_id=strange, session_id=strange, placement=strange)
    assert store.add([event]) == [1]
    assert store.add([event]) == [None]
    assert store.after(0, 10)[0].event == event
    assert store.events_of(strange, 5) == [event]
    assert store.delete_user(strange).events == 1


def test_integers_come_back_as_integers_up_to_64_bits(address: str) -> None:
    store = EventStore.open(address, NUMBERS)
    ids = [0, 7, -3, 2**31, 2**40 + 1, 2**63 - 1, -(2**63)]
    store.add([shop_event(f"e{place}", one, one) for place, one in enumerate(ids)])
    assert [stored.event.user_id for stored in store.after(0, 10)] == ids
    assert store.events_of(2**40 + 1, 5)[0].item_id == 2**40 + 1
    assert store.events_of("7", 5) == []
    for wrong in ("7", 2**63, True, 7.0):
        with pytest.raises(DataError, match="an integer of 64 bits"):
            store.add([shop_event("good", 1, 1), shop_event("bad", wrong, 1)])  # type: ignore[arg-type]
    assert len(store.after(0, 10)) == len(ids)  # all or nothing
    store.close()


def test_text_ids_refuse_integers(store: EventStore) -> None:
    with pytest.raises(DataError, match="item_id"):
        store.add([shop_event("bad", "ann", 7)])
    with pytest.raises(DataError, match="user_id"):
        store.delete_user(7)


def test_a_store_keeps_its_kinds_and_its_name(address: str) -> None:
    first = EventStore.open(address, TEXT_IDS)
    first.add([shop_event("a")])
    first.close()
    for kinds in (TEXT_IDS, None):
        again = EventStore.open(address, kinds)
        assert (again.store_id, again.kinds) == (first.store_id, TEXT_IDS)
        assert again.after(0, 10)[0].event == shop_event("a")
        assert again.add([shop_event("a"), shop_event("b")])[0] is None
        again.close()
    with pytest.raises(StoreError, match="other kinds of ids"):
        EventStore.open(address, IdKinds(user_integer=True, item_integer=False))


def test_a_store_that_is_not_there_is_not_made_without_kinds(address: str) -> None:
    with pytest.raises(StoreError, match="no event store"):
        EventStore.open(address)
    EventStore.open(address, TEXT_IDS).close()
    EventStore.open(address).close()


def test_a_newer_store_is_refused(store: EventStore, address: str) -> None:
    with store.writing() as connection:
        connection.execute(update(tables.store).values(version=99))
    with pytest.raises(StoreError, match="newer version"):
        EventStore.open(address, TEXT_IDS)


def test_the_latest_events_of_a_shopper_by_their_time(store: EventStore) -> None:
    store.add([shop_event(f"e{second}", "ann", f"item-{second}", second) for second in (5, 1, 9, 3)])
    store.add([shop_event("other", "bob")])
    assert [event.item_id for event in store.events_of("ann", 3)] == ["item-3", "item-5", "item-9"]
    assert store.events_of("nobody", 3) == []
    assert store.events_of(7, 3) == []


def test_a_forgotten_shopper_is_gone_and_the_deletion_has_its_place(store: EventStore) -> None:
    store.add([shop_event("a", "ann"), shop_event("b", "bob"), shop_event("c", "ann")])
    store.add_answers([answer_of(1, "ann"), answer_of(2, "bob"), answer_of(3, None)])
    assert store.delete_user("ann") == (2, 1)
    assert [stored.event.user_id for stored in store.after(0, 10)] == ["bob"]
    assert store.add([shop_event("d", "ann")]) == [4]  # the number of a deleted row is not given again
    (deletion,) = store.deletions_after(0)
    assert deletion == (1, user_digest(store.store_id, "ann"), 3)
    assert store.delete_user("never seen") == (0, 0)
    assert [deletion.number for deletion in store.deletions_after(0)] == [1, 2]
    assert [deletion.number for deletion in store.deletions_after(1)] == [2]
    assert (store.position().sequence, store.position().deletions) == (4, 2)


def test_a_second_deletion_does_not_go_behind_the_first(store: EventStore) -> None:
    store.add([shop_event("a", "ann"), shop_event("b", "ann")])
    store.delete_user("ann")
    store.delete_user("ann")
    assert [deletion.after_sequence for deletion in store.deletions_after(0)] == [2, 2]
    assert store.position().sequence == 2


def test_nothing_of_a_forgotten_shopper_stays_in_the_files(tmp_path: Path) -> None:
    store = EventStore.open(tmp_path / "shop.db", TEXT_IDS)
    store.add([shop_event(f"e{number}", "very-personal-name") for number in range(50)])
    assert any(b"very-personal-name" in file.read_bytes() for file in tmp_path.iterdir())
    store.delete_user("very-personal-name")
    assert not any(b"very-personal-name" in file.read_bytes() for file in tmp_path.iterdir())
    store.close()


def test_digests_tell_shoppers_and_stores_apart() -> None:
    assert len({user_digest(store, user) for store in ("one", "two") for user in ("ann", "bob")}) == 4
    assert user_digest("one", 7) == user_digest("one", 7)


def test_answers_are_kept_once_and_pruned(store: EventStore) -> None:
    store.add_answers([answer_of(1), answer_of(2, None, second=100)])
    store.add_answers([answer_of(1, "eve"), answer_of(3, second=200)])
    store.add_answers([])
    with store.reading() as connection:
        rows = connection.execute(select(tables.answers).order_by(tables.answers.c.timestamp)).all()
    assert [row.user_id for row in rows] == ["ann", None, "ann"]
    assert json.loads(rows[0].item_ids) == ["tea", "cup"]
    assert (rows[0].n_items, rows[0].fallback) == (2, 1)
    store.add([shop_event("stays")])
    assert store.prune_answers(START + 150 * SECOND) == 2
    with store.reading() as connection:
        assert connection.execute(select(tables.answers.c.recommendation_id)).scalars().all() == ["reco-3"]
    assert len(store.after(0, 10)) == 1


def test_many_old_answers_go_page_by_page(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shopkeeper.serving.event_store.store.PRUNED_AT_ONCE", 2)
    store.add_answers([answer_of(number, second=number) for number in range(6)])
    before = START + 5 * SECOND
    assert [store.prune_answers(before) for _ in range(4)] == [2, 2, 1, 0]


def test_traffic_of_one_minute_is_summed(store: EventStore) -> None:
    minute = START // (60 * SECOND)
    one = TrafficMinute(minute, "w1", "/events", 3, 1, 4.5, (1, 2, *[0] * 9))
    store.add_traffic([one, one, one._replace(worker="w2")])
    store.add_traffic([one, one._replace(minute=minute + 60)])
    table = tables.traffic.c
    with store.reading() as connection:
        rows = connection.execute(select(tables.traffic).order_by(table.minute, table.worker)).all()
    assert [(row.worker, row.requests, row.errors, row.milliseconds, row.bucket_01) for row in rows] == [
        ("w1", 9, 3, 13.5, 6),
        ("w2", 3, 1, 4.5, 2),
        ("w1", 3, 1, 4.5, 2),
    ]
    store.prune_answers(START + 60 * 60 * SECOND)
    with store.reading() as connection:
        assert connection.execute(select(table.minute)).scalars().all() == [minute + 60]


def test_a_failed_write_leaves_nothing(store: EventStore) -> None:
    broken = shop_event("b")._replace(timestamp=None)  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        store.add([shop_event("a"), broken])
    assert store.after(0, 10) == []
    assert store.add([shop_event("a")])[0] is not None


def test_ping_and_an_empty_position(store: EventStore) -> None:
    store.ping()
    assert (store.position().sequence, store.position().deletions) == (0, 0)
    assert store.position().store_id == store.store_id


def test_a_server_that_is_not_there_is_an_error_in_words() -> None:
    with pytest.raises(StoreError, match="cannot be written") as found:
        EventStore.open("postgresql://shop:secret@127.0.0.1:1/shop", TEXT_IDS)
    assert "secret" not in str(found.value)


@pytest.mark.postgres
def test_a_lost_connection_is_made_anew() -> None:
    from postgres import database

    store = EventStore.open(database(), TEXT_IDS)
    store.add([shop_event("before")])
    other = Database(store.name)
    with other.reading() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        connection.exec_driver_sql(f"{others} AND pid <> pg_backend_pid()")
    other.close()
    assert store.add([shop_event("after")]) != [None]
    assert [stored.event.event_id for stored in store.after(0, 10)] == ["before", "after"]
    store.close()


@pytest.mark.parametrize("wrong", ["mysql://host/shop", "sqlite://", "sqlite:///:memory:", "://"])
def test_other_addresses_are_refused(wrong: str) -> None:
    with pytest.raises(ConfigError):
        EventStore.open(wrong, TEXT_IDS)


def test_a_path_and_its_address_are_one_store(tmp_path: Path) -> None:
    first = EventStore.open(tmp_path / "folder" / "shop.db", TEXT_IDS)
    second = EventStore.open(f"sqlite:///{tmp_path / 'folder' / 'shop.db'}")
    assert first.store_id == second.store_id
    first.close()
    second.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_text("years of work " * 100)
    with pytest.raises(StoreError, match="not a database"):
        EventStore.open(tmp_path / "shop.db", TEXT_IDS)
    assert (tmp_path / "shop.db").read_text() == "years of work " * 100


def test_sqlite_writes_through_to_the_disk(tmp_path: Path) -> None:
    store = EventStore.open(tmp_path / "shop.db", TEXT_IDS)
    with store.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    store.close()

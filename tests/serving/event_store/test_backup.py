"""Backups of both databases while others write, and restores that forget again and number on."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shop_events import START, shop_event
from sqlalchemy import text

from shopkeeper.errors import StoreError
from shopkeeper.serving.event_store import rollups, tables
from shopkeeper.serving.event_store.backup import back_up, restore
from shopkeeper.serving.event_store.item_changes import ItemChange, ItemChanges
from shopkeeper.serving.event_store.records import AnswerRecord, IdKinds, TrafficMinute
from shopkeeper.serving.event_store.store import EventStore


def everything(store: EventStore) -> dict[str, list[Any]]:
    """All rows of all tables, but for the epoch."""
    with store.reading() as connection:
        rows = {
            table.name: sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
            for table in tables.metadata.sorted_tables
        }
    (row,) = rows["store"]
    return rows | {"store": list(row[:-1])}


def ids(store: EventStore) -> list[str]:
    return [stored.event.event_id for stored in store.after(0, 10_000)]


def fill(store: EventStore) -> None:
    clicked = shop_event("e0", "ann", "tea")._replace(recommendation_id="reco-1")
    store.add([clicked, *(shop_event(f"e{n}", f"user-{n}", second=n) for n in range(1, 9))])
    store.add_answers([AnswerRecord("reco-1", "ann", START, "home", "SASRec", ("tea",), ("SASRec",), 0)])
    store.add_traffic([TrafficMinute(29_000_000, "w", "/events", 3, 1, 4.5, (3, *[0] * 10))])
    ItemChanges(store).add([ItemChange("tea", START, {"title": "Té", "price": 3.5}, b"\x00\x01", b"key")])
    store.delete_user("user-8")
    assert rollups.catch_up(store, 60)


@pytest.fixture
def filled(store: EventStore) -> Iterator[EventStore]:
    fill(store)
    yield store


def test_what_was_backed_up_comes_back_whole(filled: EventStore, address: str, tmp_path: Path) -> None:
    before, epoch = everything(filled), filled.position().epoch
    assert back_up(filled, tmp_path / "backup.db").events == 8
    assert stat.S_IMODE((tmp_path / "backup.db").stat().st_mode) == 0o600
    filled.add([shop_event("late", "zoe")])
    assert restore(tmp_path / "backup.db", address).summary.events == 8
    assert everything(filled) == before
    assert filled.position().epoch != epoch


def test_a_backup_of_either_goes_into_an_empty_store(filled: EventStore, tmp_path: Path) -> None:
    back_up(filled, tmp_path / "backup.db")
    restore(tmp_path / "backup.db", str(tmp_path / "other.db"))
    other = EventStore.open(tmp_path / "other.db")
    assert everything(other) == everything(filled)
    assert other.store_id == filled.store_id
    other.close()


def test_numbers_go_on_behind_all_that_were_given(filled: EventStore, address: str, tmp_path: Path) -> None:
    back_up(filled, tmp_path / "backup.db")
    (last,) = filled.add([shop_event("late", "zoe")])
    restore(tmp_path / "backup.db", address)
    (next_one,) = filled.add([shop_event("next", "zoe")])
    assert last is not None and next_one is not None and next_one > last


def test_who_was_forgotten_since_stays_forgotten(filled: EventStore, address: str, tmp_path: Path) -> None:
    mark = filled.mark()
    filled.delete_user("user-2")
    filled.add([shop_event("came-back", "user-2")])
    back_up(filled, tmp_path / "backup.db")
    filled.delete_user("user-3")
    filled.delete_user("ann")
    filled.add([shop_event("again", "user-3")])
    assert restore(tmp_path / "backup.db", address).forgotten == 2
    assert ids(filled) == ["e1", "e4", "e5", "e6", "e7", "came-back"]
    assert filled.verified(mark) == mark
    fresh = filled.deletions_after(mark.deletions)
    digests = {name: [one for one in fresh if one.user_digest == digest] for name, digest in named(filled).items()}
    assert [len(digests[name]) for name in ("user-2", "user-3", "ann", "user-4")] == [1, 1, 1, 0]
    filled.add([shop_event("again", "user-3")])
    restore(tmp_path / "backup.db", address)
    assert "again" not in ids(filled)
    with filled.reading() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM answers")).scalar() == 0


def named(store: EventStore) -> dict[str, bytes]:
    from shopkeeper.serving.event_store.records import user_digest

    return {name: user_digest(store.store_id, name) for name in ("user-2", "user-3", "user-4", "ann")}


def test_a_backup_while_others_write_is_of_one_moment(store: EventStore, tmp_path: Path) -> None:
    store.add([shop_event("first")])
    done = threading.Event()

    def write() -> None:
        for n in range(40):
            store.add([shop_event(f"{n}-{place}", f"user-{n}") for place in range(25)])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    made = 0
    while not done.is_set() or not made:
        back_up(store, tmp_path / f"{made}.db")
        made += 1
    writer.join()
    for number in range(made):
        backup = EventStore.open(tmp_path / f"{number}.db")
        found = ids(backup)
        assert found == ids(store)[: len(found)]
        assert len(found) % 25 == 1
        backup.close()


def test_what_is_no_backup_is_refused_and_nothing_is_lost(filled: EventStore, address: str, tmp_path: Path) -> None:
    before = everything(filled)
    back_up(filled, tmp_path / "backup.db")
    with pytest.raises(StoreError, match="is there already"):
        back_up(filled, tmp_path / "backup.db")
    whole = (tmp_path / "backup.db").read_bytes()
    middle = len(whole) // 2
    wrong = {"cut.db": whole[:middle], "text.db": b"not a database" * 99, "empty.db": b""}
    for name, content in wrong.items():
        (tmp_path / name).write_bytes(content)
    for name in (*wrong, "nothing.db"):
        with pytest.raises(StoreError):
            restore(tmp_path / name, address)
    stranger = EventStore.open(tmp_path / "stranger.db", IdKinds(False, False))
    stranger.add([shop_event("x")])
    with pytest.raises(StoreError, match="another store"):
        restore(tmp_path / "backup.db", str(tmp_path / "stranger.db"))
    assert ids(stranger) == ["x"]
    stranger.close()
    assert everything(filled) == before


def test_a_store_that_lacks_a_mark_went_back_behind_it(filled: EventStore, address: str, tmp_path: Path) -> None:
    early = filled.mark()
    back_up(filled, tmp_path / "backup.db")
    late = filled.mark()
    assert filled.verified(late) == late
    restore(tmp_path / "backup.db", address)
    filled.add([shop_event(f"more-{n}") for n in range(5)])
    assert filled.verified(early) == early
    assert filled.verified(late) is None
    assert filled.verified(None) is None
    assert filled.verified(early.model_copy(update={"store_id": "another"})) is None
    unmarked = filled.position()
    assert filled.verified(unmarked) == unmarked
    ahead = unmarked.model_copy(update={"sequence": unmarked.sequence + 1})
    assert filled.verified(ahead) is None


def test_old_events_go_and_their_numbers_stay_seen(filled: EventStore) -> None:
    before = filled.position().sequence
    assert filled.prune_events(START + 60_000_000) == 8
    assert (ids(filled), filled.position().sequence) == ([], before)
    filled.vacuum()
    size = filled.size()
    filled.vacuum(whole=True)
    assert 0 < filled.size() <= size
    (number,) = filled.add([shop_event("next")])
    assert number is not None and number > before

"""Changes of items: in order, by column, small however often they change, on SQLite and on PostgreSQL."""

from __future__ import annotations

import multiprocessing
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from shopkeeper.errors import DataError, StoreError
from shopkeeper.serving.event_store.item_changes import REMOVED, ItemChange, ItemChanges
from shopkeeper.serving.event_store.records import IdKinds
from shopkeeper.serving.event_store.store import EventStore

TEXT_IDS = IdKinds(user_integer=False, item_integer=False)
VECTOR = np.array([0.6, 0.8], dtype=np.float32).tobytes()


def change(item: Any = "tea", at: int = 1, **facts: Any) -> ItemChange:
    return ItemChange(item, at, facts)


def facts_of(changes: ItemChanges) -> dict[Any, dict[str, Any]]:
    """All that is known in the end, by item."""
    found: dict[Any, dict[str, Any]] = {}
    for stored in changes.every():
        found.setdefault(stored.change.item_id, {}).update(stored.change.facts)
    return found


@pytest.fixture
def changes(store: EventStore) -> ItemChanges:
    return ItemChanges(store)


def test_what_goes_in_comes_out(changes: ItemChanges) -> None:
    strange = 'o\'neil "茶" 🍵'
    whole = ItemChange(
        strange, 7, {"title": strange, "price": 2.5, "available": True, "tags": ["a"]}, VECTOR, b"k" * 16
    )
    assert changes.add([whole, change("cup", price=None)]) == [1, 2]
    assert [(stored.number, stored.change) for stored in changes.after(0, 10)] == [
        (1, whole),
        (2, change("cup", price=None)),
    ]
    assert [stored.number for stored in changes.after(0, 1)] == [1]
    assert [stored.number for stored in changes.after(1, 10)] == [2]
    assert changes.last() == 2
    assert changes.add([]) == []


def test_a_change_that_was_changed_again_makes_room(changes: ItemChanges) -> None:
    changes.add([change(title="Tea", price=1.0)])
    for price in range(2, 20):
        changes.add([change(at=price, price=float(price)), change("cup", at=price, price=1.0)])
    stored = list(changes.every())
    assert len(stored) == 3
    assert facts_of(changes) == {"tea": {"title": "Tea", "price": 19.0}, "cup": {"price": 1.0}}
    changes.add([change(title="Green tea", price=3.0, **{REMOVED: False})])
    assert len(list(changes.every())) == 2
    assert changes.last() == list(changes.every())[-1].number > len(stored)


def test_the_last_vector_of_an_item_outlives_the_change_that_brought_it(changes: ItemChanges) -> None:
    changes.add([ItemChange("tea", 1, {"title": "Tea", "price": 1.0}, VECTOR, b"a" * 16)])
    for step in range(5):  # the same text again, so that nothing was encoded
        changes.add([change(at=step, title="Tea", price=float(step))])
    assert [stored.change.vector for stored in changes.every()] == [VECTOR, None]
    changes.add([ItemChange("tea", 9, {"title": "Green tea", "price": 1.0}, VECTOR, b"b" * 16)])
    assert [stored.change.vector_of for stored in changes.every()] == [b"b" * 16]


def test_numbers_of_deleted_changes_are_not_given_again(changes: ItemChanges) -> None:
    numbers = [changes.add([change(price=float(step))])[0] for step in range(5)]
    assert numbers == sorted(set(numbers))
    assert [stored.number for stored in changes.every()] == numbers[-1:]


def test_of_one_item_in_one_batch_the_last_counts(changes: ItemChanges) -> None:
    changes.add([change(price=float(step)) for step in range(3)])
    assert facts_of(changes) == {"tea": {"price": 2.0}}
    assert len(list(changes.every())) == 1


def test_a_batch_beyond_the_limit_of_parameters_is_whole_and_in_order(changes: ItemChanges) -> None:
    many = [change(f"item-{place}", price=float(place)) for place in range(3_000)]
    assert changes.add(many) == list(range(1, 3_001))
    changes.add(many)
    assert [stored.change.item_id for stored in changes.every(page=700)] == [one.item_id for one in many]


def test_an_id_of_another_kind_is_refused_with_its_whole_batch(changes: ItemChanges) -> None:
    with pytest.raises(DataError, match="item_id"):
        changes.add([change("tea", price=1.0), change(7, price=1.0)])
    assert changes.last() == 0


def test_integers_come_back_as_integers(address: str) -> None:
    store = EventStore.open(address, IdKinds(user_integer=True, item_integer=True))
    changes = ItemChanges(store)
    changes.add([change(2**40, price=1.0)])
    assert [stored.change.item_id for stored in changes.every()] == [2**40]
    store.close()


def test_the_position_of_the_store_tells_of_changes(store: EventStore, changes: ItemChanges) -> None:
    assert store.position().item_changes == 0
    changes.add([change(price=1.0), change("cup", price=1.0)])
    assert store.position().item_changes == 2


def test_a_store_from_before_items_changed_gets_the_table(address: str) -> None:
    store = EventStore.open(address, TEXT_IDS)
    with store.writing() as connection:
        connection.execute(text("DROP TABLE item_changes"))
    store.close()
    again = EventStore.open(address)
    assert ItemChanges(again).add([change(price=1.0)]) == [1]
    again.close()


def add_many(address: str, writer: str, steps: int) -> None:
    store = EventStore.open(address, TEXT_IDS)
    for step in range(steps):
        ItemChanges(store).add([change("shared", at=step, **{writer: step}), change(writer, price=float(step))])
    store.close()


def test_writers_in_other_processes_lose_nothing(address: str, store: EventStore) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=add_many, args=(address, name, 20)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    found = facts_of(ItemChanges(store))
    assert found == {"shared": {"a": 19, "b": 19}, "a": {"price": 19.0}, "b": {"price": 19.0}}


def test_a_database_that_is_away_says_so(tmp_path: Any) -> None:
    store = EventStore.open(tmp_path / "shop.db", TEXT_IDS)
    with store.writing() as connection:
        connection.execute(text("DROP TABLE item_changes"))
    with pytest.raises(StoreError):
        ItemChanges(store).add([change(price=1.0)])
    store.close()


COLUMNS = ("title", "price", "brand", REMOVED)


@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from("xyz"), st.dictionaries(st.sampled_from(COLUMNS), st.integers(0, 9), min_size=1)),
            min_size=1, max_size=4,
        ),
        max_size=12,
    )
)  # fmt: skip
def test_deleting_what_was_set_again_changes_nothing_that_is_known(
    batches: list[list[tuple[str, dict[str, int]]]],
) -> None:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        store = EventStore.open(Path(folder) / "shop.db", TEXT_IDS)
        changes, expected, cursor = ItemChanges(store), dict[str, dict[str, int]](), 0
        followed: dict[str, dict[str, int]] = {}
        for place, batch in enumerate(batches):
            changes.add([ItemChange(item, place, facts) for item, facts in batch])
            for item, facts in batch:
                expected.setdefault(item, {}).update(facts)
            if place % 3 == 0:  # a follower that looks now and then
                for stored in changes.after(cursor, 100):
                    followed.setdefault(str(stored.change.item_id), {}).update(stored.change.facts)
                    cursor = stored.number
        for stored in changes.after(cursor, 100):
            followed.setdefault(str(stored.change.item_id), {}).update(stored.change.facts)
        assert facts_of(changes) == expected == followed
        assert len(list(changes.every())) <= len(expected) * len(COLUMNS)
        store.close()

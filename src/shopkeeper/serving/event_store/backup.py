"""Backups: one file with all that an event store holds at one moment, and the way back. Services may go on meanwhile.

A backup of either database is a store in SQLite, compact, without remains of what was deleted. A restore replaces the
rows of a store in one transaction, and begins an epoch by which all who follow the store know that they must read it
anew. Who was forgotten since the backup was made stays forgotten.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, text, update

from shopkeeper.artifacts import sync
from shopkeeper.errors import StoreError
from shopkeeper.serving.event_store import tables
from shopkeeper.serving.event_store.records import user_digest
from shopkeeper.serving.event_store.store import EventStore, last_sequence
from shopkeeper.serving.event_store.summary import Summary, summarize

ROWS_AT_ONCE: Final = 5000
NUMBERED: Final = {
    table.name: column.name
    for table, column in (
        (tables.events, tables.events.c.sequence),
        (tables.deletions, tables.deletions.c.number),
        (tables.item_changes, tables.item_changes.c.number),
    )
}
"""Tables whose rows are numbered by the database, and where the number stands."""
READABLE: Final = 0o600
"""A backup holds what shoppers did: it is its owner's alone."""


class Restored(NamedTuple):
    """What a restore did."""

    summary: Summary
    """Of the store as it is now."""
    forgotten: int
    """Users who were forgotten after the backup was made, and again now."""


def back_up(store: EventStore, file: Path) -> Summary:
    """Writes a backup, whole or not at all, while others read and write the store.

    Args:
        store: An open store.
        file: Where it shall stand; nothing must be there yet.

    Returns:
        What lies in it.

    Raises:
        StoreError: Something stands there, the store cannot be read, or the disk refuses.
    """
    if file.exists():
        raise StoreError(f"{file} is there already", expected="a new file", remedy="name another, or move it away")
    temporary = file.with_name(f".{file.name}.writing-{uuid.uuid4().hex[:8]}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(mode=READABLE)
        _write(store, temporary)
        with _checked(temporary) as written:
            summary = summarize(written)
        sync(temporary)
        temporary.replace(file)
        sync(file.parent)
    except OSError as error:
        raise StoreError(f"cannot write {file}", got=str(error), remedy="check space and permissions") from error
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            temporary.with_name(temporary.name + end).unlink(missing_ok=True)
    return summary


def restore(file: Path, url: str) -> Restored:
    """Puts a backup in place of what a store holds, in one transaction.

    Args:
        file: Written by `back_up`.
        url: Of the store; one that is not there is made.

    Raises:
        StoreError: The backup is damaged or of a newer version, the store is another shop's, or the database refuses;
            the store is as it was.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "backup.db"
        try:
            shutil.copyfile(file, copy)
        except OSError as error:
            raise StoreError(f"the backup {file} cannot be read", got=str(error)) from error
        with _checked(copy, str(file)) as backup:
            target = EventStore.open(url, backup.kinds)
            try:
                forgotten = _replace(backup, target)
                target.scrub()
            finally:
                target.close()
    target = EventStore.open(url)
    try:
        return Restored(summarize(target), forgotten)
    finally:
        target.close()


def _write(store: EventStore, file: Path) -> None:
    if store.is_sqlite:
        store.copy_into(file)
        return
    empty = EventStore.open(file, store.kinds)
    try:
        with store.reading(snapshot=True) as source, empty.writing() as target:
            _copy(source, target)
            _count_on(target, _last_numbers(source))
    finally:
        empty.close()


@contextmanager
def _checked(file: Path, name: str | None = None) -> Iterator[EventStore]:
    """A backup that SQLite finds whole, brought to the tables of this version."""
    try:
        with sqlite3.connect(file) as connection:
            found = connection.execute("PRAGMA quick_check").fetchone()[0]
        connection.close()
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise StoreError(f"the backup {name or file} is damaged", got=found, remedy="take another one")
    store = EventStore.open(file)
    try:
        yield store
    finally:
        store.close()


def _replace(backup: EventStore, store: EventStore) -> int:
    """The rows of the backup in place of the store's; gives the number of users who were forgotten again."""
    with backup.reading() as source, store.writing() as target:
        if backup.store_id != store.store_id and _holds_something(target):
            raise StoreError(
                f"{store.name} holds the events of another store", expected="the store of the backup, or an empty one",
                remedy="name another database, or move what is there away",
            )  # fmt: skip
        forgotten = _deletions(target) - _deletions(source)
        numbers = _last_numbers(target)
        for table in tables.metadata.sorted_tables:
            target.execute(delete(table))
        _copy(source, target)
        target.execute(update(tables.store).values(epoch=str(uuid.uuid4())))
        _count_on(target, {name: max(number, numbers[name]) for name, number in _last_numbers(source).items()})
        _forget_again(store, backup.store_id, target, {digest for digest, _ in forgotten})
    return len({digest for digest, _ in forgotten})


def _copy(source: Connection, target: Connection) -> None:
    target.execute(delete(tables.store))
    for table in tables.metadata.sorted_tables:
        result = source.execution_options(yield_per=ROWS_AT_ONCE).execute(select(table))
        for page in result.mappings().partitions():
            target.execute(insert(table), [dict(row) for row in page])


def _holds_something(connection: Connection) -> bool:
    kept = (tables.events, tables.deletions, tables.item_changes, tables.answers)
    return any(connection.execute(select(table).limit(1)).first() is not None for table in kept)


def _deletions(connection: Connection) -> set[tuple[bytes, int]]:
    table = tables.deletions.c
    rows = connection.execute(select(table.user_digest, table.after_sequence))
    return {(bytes(row.user_digest), row.after_sequence) for row in rows}


def _forget_again(store: EventStore, store_id: str, connection: Connection, digests: set[bytes]) -> None:
    """Deletes what the backup brought back of users, all from before they were forgotten, and records it."""
    if not digests:
        return
    users = select(tables.events.c.user_id).union(select(tables.answers.c.user_id))
    for user in connection.execute(users).scalars().all():
        if user is not None and user_digest(store_id, user) in digests:
            store.delete_rows_of(connection, user)
    after = last_sequence(connection)
    connection.execute(
        insert(tables.deletions), [{"user_digest": one, "after_sequence": after} for one in sorted(digests)]
    )


def _last_numbers(connection: Connection) -> dict[str, int]:
    """The highest number that each table ever gave to a row."""
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text("SELECT name, seq FROM sqlite_sequence")).fetchall()
        return dict.fromkeys(NUMBERED, 0) | {row.name: row.seq for row in rows if row.name in NUMBERED}
    found = {}
    for name, column in NUMBERED.items():
        counter = connection.execute(select(func.pg_get_serial_sequence(name, column))).scalar_one()
        row = connection.execute(text(f"SELECT last_value, is_called FROM {counter}")).one()
        found[name] = row.last_value if row.is_called else 0
    return found


def _count_on(connection: Connection, numbers: Mapping[str, int]) -> None:
    """Numbers that were given before are not given again."""
    for name, number in numbers.items():
        column = NUMBERED[name]
        highest = connection.execute(text(f"SELECT MAX({column}) FROM {name}")).scalar() or 0
        last = max(number, highest)
        if connection.dialect.name == "sqlite":
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": name})
            connection.execute(
                text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), {"name": name, "last": last}
            )
        elif last:
            connection.execute(select(func.setval(func.pg_get_serial_sequence(name, column), last)))

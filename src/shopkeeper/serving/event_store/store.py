"""The event store: what was acknowledged is durable, what was forgotten is gone. Safe to use from many threads."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, case, delete, func, select, update

from shopkeeper.errors import StoreError
from shopkeeper.pipeline.card import StorePosition
from shopkeeper.serving.event_store import tables
from shopkeeper.serving.event_store.database import Database
from shopkeeper.serving.event_store.migrations import migrate
from shopkeeper.serving.event_store.records import (
    AnswerRecord,
    Deleted,
    Deletion,
    IdKinds,
    ShopEvent,
    StoredEvent,
    TrafficMinute,
    user_digest,
)
from shopkeeper.serving.event_store.rollups import TRAFFIC_SUMS, RollUps
from shopkeeper.serving.event_store.rows import (
    EVENT_COLUMNS,
    answer_rows,
    event_rows,
    id_text,
    stored_events,
    traffic_hour_rows,
    traffic_rows,
)
from shopkeeper.types import Id

HOUR: Final = 3_600_000_000
"""Microseconds."""
PRUNED_AT_ONCE: Final = 1000
"""Answers deleted in one transaction: a short one, since events wait for the same lock."""
TABLES: Final = tuple(table.name for table in tables.metadata.sorted_tables)
SUMMED: Final = ("requests", "errors", "milliseconds", *tables.BUCKETS)


class EventStore:
    """A shop's events, deletions, answers and traffic. Obtained from `EventStore.open`.

    Attributes:
        store_id: Names this store among all others.
        kinds: Which ids are integers.
        name: Its address without the password.
        is_sqlite: Kept in SQLite, or else in PostgreSQL.
        file: Of SQLite; None for PostgreSQL.
        rollups: Keeps the sums that the dashboard reads.
    """

    def __init__(self, database: Database, store_id: str, kinds: IdKinds) -> None:
        self.store_id = store_id
        self.kinds = kinds
        self.name = database.name
        self.is_sqlite = database.is_sqlite
        self.file = database.file
        self.rollups = RollUps(database.is_sqlite)
        self._database = database
        event = tables.events.c
        self._add_events = (
            database.insert_many(tables.events, EVENT_COLUMNS)
            .on_conflict_do_nothing(index_elements=[event.event_id])
            .returning(event.event_id, event.sequence)
        )
        self._add_answers = database.insert(tables.answers).on_conflict_do_nothing()
        adding = database.insert(tables.traffic)
        self._add_traffic = adding.on_conflict_do_update(
            index_elements=list(tables.traffic.primary_key),
            set_={name: tables.traffic.c[name] + adding.excluded[name] for name in SUMMED},
        )
        adding = database.insert(tables.traffic_hours)
        self._add_traffic_hours = adding.on_conflict_do_update(
            index_elements=list(tables.traffic_hours.primary_key),
            set_={name: tables.traffic_hours.c[name] + adding.excluded[name] for name in TRAFFIC_SUMS},
        )

    @staticmethod
    def open(url: str | Path, kinds: IdKinds | None = None) -> EventStore:
        """Opens a store.

        Args:
            url: ``sqlite:///shop.db``, a path of a file, or ``postgresql://user:password@host/database``.
            kinds: Which ids are integers; where they are given a store that is not there is made, None opens only one
                that is.

        Raises:
            StoreError: There is none, it was made for other kinds of ids or by a newer version, or the database
                refuses.
            ConfigError: The address cannot be read.
        """
        database = Database(url)
        if database.file is not None:
            if kinds is None and not database.file.is_file():
                raise _no_store(database.name)
            database.file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with database.writing() as connection:
                row = _row_of_store(connection, database.name, kinds)
                _refuse_other(database.name, row, kinds)
                migrate(connection, row.version)
        except StoreError:
            database.close()
            raise
        return EventStore(database, row.store_id, IdKinds(row.user_integer, row.item_integer))

    def add(self, events: Sequence[ShopEvent]) -> list[int | None]:
        """Writes events in one transaction; they are on the disk when this returns.

        Args:
            events: Any number. An event id that the store knows, or that came before in this list, is a duplicate.

        Returns:
            The sequence of each event, None for a duplicate.

        Raises:
            DataError: An id is not of the shop's kind; nothing is written.
            StoreError: The database refuses; nothing is written, or it is not known whether it was (adding the same
                events again is right in both cases).
        """
        first = {event.event_id: place for place, event in reversed(list(enumerate(events)))}
        places = sorted(first.values())
        rows = event_rows((events[place] for place in places), self.kinds)
        sequences: list[int | None] = [None] * len(events)
        if rows:
            parameters = self._database.parameters(rows)
            with self.writing() as connection:
                for event_id, sequence in connection.execute(self._add_events, parameters).fetchall():
                    sequences[first[event_id]] = sequence
        return sequences

    def after(self, sequence: int, limit: int) -> list[StoredEvent]:
        """Events of higher sequences, ascending. Nothing below the last one can appear later."""
        wanted = tables.events.c.sequence
        query = select(wanted, *EVENT_COLUMNS).where(wanted > sequence).order_by(wanted).limit(limit)
        with self.reading() as connection:
            return stored_events(connection.execute(query).fetchall(), self.kinds)

    def deletions_after(self, number: int) -> list[Deletion]:
        """Deletions of higher numbers, ascending."""
        table = tables.deletions
        query = select(table).where(table.c.number > number).order_by(table.c.number)
        with self.reading() as connection:
            return [Deletion(*row) for row in connection.execute(query)]

    def events_of(self, user_id: Id, limit: int) -> list[ShopEvent]:
        """The latest events of a shopper by their time, newest last; empty for an id of another kind."""
        if isinstance(user_id, int) != self.kinds.user_integer:
            return []
        event = tables.events.c
        query = (
            select(event.sequence, *EVENT_COLUMNS)
            .where(event.user_id == str(user_id))
            .order_by(event.timestamp.desc(), event.sequence.desc())
            .limit(limit)
        )
        with self.reading() as connection:
            return [
                stored.event for stored in reversed(stored_events(connection.execute(query).fetchall(), self.kinds))
            ]

    def delete_user(self, user_id: Id) -> Deleted:
        """Deletes all events and answers of a shopper and records the deletion, in one transaction.

        Raises:
            DataError: The id is not of the shop's kind.
        """
        return self.delete_users([user_id])[0]

    def delete_users(self, user_ids: Sequence[Id]) -> list[Deleted]:
        """Deletes all events and answers of shoppers and records the deletions, in one transaction.

        SQLite overwrites the rows; PostgreSQL gives their space free at its next vacuum.

        Raises:
            DataError: An id is not of the shop's kind; nothing is deleted.
            StoreError: The database refuses; nothing is deleted, or it is not known whether it was.
        """
        users = [id_text(user_id, self.kinds.user_integer, "user_id") for user_id in user_ids]
        with self.writing() as connection:
            recorded = [
                {"user_digest": user_digest(self.store_id, user_id), "after_sequence": last_sequence(connection)}
                for user_id in dict.fromkeys(user_ids)
            ]
            deleted = [self.delete_rows_of(connection, user) for user in users]
            connection.execute(self._database.insert(tables.deletions), recorded)
        self.scrub()
        return deleted

    def holds(self, user_id: Id) -> bool:
        """Whether a row names a user.

        Raises:
            DataError: The id is not of the shop's kind.
        """
        return any(self.rows_of(user_id).values())

    def rows_of(self, user_id: Id) -> dict[str, list[dict[str, Any]]]:
        """All rows that name a user, by table.

        Raises:
            DataError: The id is not of the shop's kind.
        """
        user = id_text(user_id, self.kinds.user_integer, "user_id")
        with self.reading(snapshot=True) as connection:
            return {
                table.name: [
                    dict(row) for row in connection.execute(select(table).where(table.c.user_id == user)).mappings()
                ]
                for table in (tables.events, tables.answers, tables.responses)
            }

    def delete_rows_of(self, connection: Connection, user: str) -> Deleted:
        """Deletes all events and answers of a user, in a writing transaction of the caller, and records no deletion.

        Args:
            connection: The transaction.
            user: The id as text.
        """
        answer = tables.answers.c
        names = connection.execute(select(answer.recommendation_id).where(answer.user_id == user)).scalars().all()
        self.rollups.take_out_answers(connection, names)
        answers = connection.execute(delete(tables.answers).where(answer.user_id == user)).rowcount
        known = connection.execute(select(tables.events.c.sequence).where(tables.events.c.user_id == user).limit(1))
        if known.first() is None:
            return Deleted(0, answers)
        self.rollups.take_out_events(connection, user)  # which puts answers of others back, not those
        events = connection.execute(delete(tables.events).where(tables.events.c.user_id == user)).rowcount
        return Deleted(events, answers)

    def add_answers(self, answers: Sequence[AnswerRecord], deletions: int | None = None) -> None:
        """Writes answers in one transaction; one that is there stays as it is.

        Args:
            answers: Any number.
            deletions: Deletions up to this number were known when the answers were made. Those of a shopper who was
                forgotten since are left out; None takes all.
        """
        if not answers:
            return
        with self.writing() as connection:
            gone = set() if deletions is None else self._digests_after(connection, deletions)
            kept = [answer for answer in answers if not gone or self._digest_of(answer) not in gone]
            if kept:
                connection.execute(self._add_answers, answer_rows(kept, self.kinds))

    def _digests_after(self, connection: Connection, deletion: int) -> set[bytes]:
        table = tables.deletions.c
        return set(connection.execute(select(table.user_digest).where(table.number > deletion)).scalars())

    def _digest_of(self, answer: AnswerRecord) -> bytes | None:
        return None if answer.user_id is None else user_digest(self.store_id, answer.user_id)

    def add_traffic(self, minutes: Sequence[TrafficMinute]) -> None:
        """Adds to the traffic of minutes, in one transaction."""
        if minutes:
            with self.writing() as connection:
                connection.execute(self._add_traffic, traffic_rows(minutes))
                connection.execute(self._add_traffic_hours, traffic_hour_rows(minutes))

    def prune_answers(self, before: int) -> int:
        """Deletes at most `PRUNED_AT_ONCE` answers older than a moment, and the traffic of the hours before its own.

        Args:
            before: Unix microseconds.

        Returns:
            The number of answers deleted; as long as it is `PRUNED_AT_ONCE` there may be more.
        """
        answer, hour = tables.answers.c, before // HOUR
        old = select(answer.recommendation_id).where(answer.timestamp < before)
        old = old.order_by(answer.timestamp, answer.recommendation_id).limit(PRUNED_AT_ONCE)
        with self.writing() as connection:
            minutes = connection.execute(delete(tables.traffic).where(tables.traffic.c.minute < hour * 60)).rowcount
            connection.execute(delete(tables.traffic_hours).where(tables.traffic_hours.c.hour < hour))
            names = connection.execute(old).scalars().all()
            if names or minutes:
                moment = case((tables.store.c.pruned_before > before, tables.store.c.pruned_before), else_=before)
                connection.execute(update(tables.store).values(pruned_before=moment))
            self.rollups.take_out_answers(connection, names)
            return connection.execute(delete(tables.answers).where(answer.recommendation_id.in_(names))).rowcount

    def prune_events(self, before: int) -> int:
        """Deletes at most `PRUNED_AT_ONCE` events that happened before a moment, the oldest first.

        Args:
            before: Unix microseconds.

        Returns:
            The number of events deleted; as long as it is `PRUNED_AT_ONCE` there may be more.
        """
        event, row = tables.events.c, tables.store.c
        old = select(event.sequence).where(event.timestamp < before).order_by(event.timestamp, event.sequence)
        with self.writing() as connection:
            sequences = connection.execute(old.limit(PRUNED_AT_ONCE)).scalars().all()
            if sequences:
                self.rollups.take_out_aged(connection, before, PRUNED_AT_ONCE)
                highest = case((row.pruned_sequence > max(sequences), row.pruned_sequence), else_=max(sequences))
                connection.execute(update(tables.store).values(pruned_sequence=highest))
                connection.execute(delete(tables.events).where(event.sequence.in_(sequences)))
            return len(sequences)

    def size(self) -> int:
        """Bytes that the store takes on the disk, its log of changes included."""
        return self._database.size(TABLES)

    def vacuum(self, whole: bool = False) -> None:
        """Gives the space of deleted rows back.

        Args:
            whole: Write all tables anew, so that nothing is left of deleted rows between those that stay; writers,
                and in PostgreSQL readers, wait meanwhile. Without it writers wait for moments.

        Raises:
            StoreError: The database refuses.
        """
        self._database.vacuum(TABLES, whole)

    def position(self) -> StorePosition:
        """How far the store is; deletions are read first, so that none is counted whose events were seen."""
        with self.reading() as connection:
            return self._position(connection)

    def mark(self) -> StorePosition:
        """How far the store is, written down in it: `verified` tells later whether it went back behind this."""
        with self.writing() as connection:
            position = self._position(connection).model_copy(update={"mark": str(uuid.uuid4())})
            row = {"mark": position.mark, "sequence": position.sequence}
            connection.execute(tables.marks.insert(), [row])
        return position

    def verified(self, position: StorePosition | None) -> StorePosition | None:
        """A position where it still holds.

        Returns:
            None where it is of another store, or lies in the future of this one, since an older backup was put back.
        """
        if position is None or position.store_id != self.store_id:
            return None
        with self.reading() as connection:
            known = select(tables.marks.c.mark).where(tables.marks.c.mark == position.mark)
            marked = position.mark is None or connection.execute(known).first() is not None
            return position if marked and not is_behind(self._position(connection), position) else None

    def begin_epoch(self, instead_of: str) -> None:
        """Tells all who follow the store to read it anew, unless another process has told them already.

        Args:
            instead_of: The epoch that ends.
        """
        with self.writing() as connection:
            table = tables.store
            connection.execute(update(table).where(table.c.epoch == instead_of).values(epoch=str(uuid.uuid4())))

    def _position(self, connection: Connection) -> StorePosition:
        row = connection.execute(select(tables.store.c.store_id, tables.store.c.epoch)).one()
        if row.store_id != self.store_id:
            raise StoreError(
                f"another event store was put in the place of {self.name}", remedy="start the service again, or restore"
            )
        deletions = connection.execute(select(func.max(tables.deletions.c.number))).scalar() or 0
        item_changes = connection.execute(select(func.max(tables.item_changes.c.number))).scalar() or 0
        return StorePosition(
            store_id=self.store_id,
            sequence=last_sequence(connection),
            deletions=deletions,
            item_changes=item_changes,
            epoch=row.epoch,
        )

    def ping(self) -> None:
        """Asks the database for a sign of life.

        Raises:
            StoreError: It gives none.
        """
        with self.reading() as connection:
            connection.execute(select(tables.store.c.store_id)).one()

    def try_writing(self) -> None:
        """Writes what is there already, to the disk.

        Raises:
            StoreError: Nothing can be written: the disk is full or read-only, or the database is away.
        """
        self._database.check_room()
        with self.writing() as connection:
            connection.execute(update(tables.store).values(store_id=self.store_id))

    def reading(self, snapshot: bool = False) -> AbstractContextManager[Connection]:
        """A transaction for other queries that only read.

        Args:
            snapshot: All of them see one moment, in PostgreSQL too.
        """
        return self._database.reading(snapshot)

    def scrub(self) -> None:
        """Moves what was deleted out of SQLite's write-ahead log too, as far as no reader is in the way."""
        self._database.scrub()

    def copy_into(self, file: Path) -> None:
        """Writes a store in SQLite into an empty file, as it is at one moment, without remains of deleted rows.

        Raises:
            StoreError: The database refuses.
        """
        self._database.copy_into(file)

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that writes, one at a time among all threads and processes."""
        return self._database.writing()

    def close(self) -> None:
        """Closes all connections."""
        self._database.close()


def is_behind(position: StorePosition, other: StorePosition) -> bool:
    """Whether something that the other position counts is not there yet."""
    pairs = (
        (position.sequence, other.sequence),
        (position.deletions, other.deletions),
        (position.item_changes or 0, other.item_changes or 0),
    )
    return any(here < there for here, there in pairs)


def last_sequence(connection: Connection) -> int:
    """The highest sequence that a reader can have seen, be its event deleted meanwhile or not."""
    columns = tables.events.c.sequence, tables.deletions.c.after_sequence, tables.store.c.pruned_sequence
    return max(connection.execute(select(func.max(column))).scalar() or 0 for column in columns)


def _row_of_store(connection: Connection, name: str, kinds: IdKinds | None) -> Any:
    """The row of the store, which is made with all tables where there is none."""
    inspected = connection.dialect.has_table(connection, tables.store.name)
    if not inspected:
        if kinds is None:
            raise _no_store(name)
        tables.metadata.create_all(connection)
        made = {
            "one": 1,
            "store_id": str(uuid.uuid4()),
            "epoch": str(uuid.uuid4()),
            "version": tables.VERSION,
            **kinds._asdict(),
        }
        connection.execute(tables.store.insert(), [made])
    table = tables.store.c  # only columns that stores of all versions have
    return connection.execute(select(table.store_id, table.version, table.user_integer, table.item_integer)).one()


def _refuse_other(name: str, row: Any, kinds: IdKinds | None) -> None:
    if row.version > tables.VERSION:
        raise StoreError(
            f"the event store {name} was made by a newer version", expected=f"version {tables.VERSION}",
            got=f"version {row.version}", remedy="install a newer Shopkeeper",
        )  # fmt: skip
    found = IdKinds(row.user_integer, row.item_integer)
    if kinds is not None and kinds != found:
        raise StoreError(
            f"the event store {name} holds other kinds of ids", expected=_kinds_text(kinds), got=_kinds_text(found),
            remedy="give another database, or a bundle made from a log with the same kinds of ids",
        )  # fmt: skip


def _kinds_text(kinds: IdKinds) -> str:
    words = ["integers" if integer else "text" for integer in kinds]
    return f"user ids are {words[0]}, item ids are {words[1]}"


def _no_store(name: str) -> StoreError:
    return StoreError(f"there is no event store at {name}", remedy="check the address; `shopkeeper serve` makes one")

"""SQLite or PostgreSQL behind one handle: how to connect, how to read, and how to write one after the other.

Writers of SQLite take its one write lock at the beginning; writers of PostgreSQL take an advisory lock. So the numbers
of rows become visible in ascending order: who has seen a number has seen all rows of lower ones.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Column, Connection, Engine, Table, bindparam, create_engine, event, func, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from shopkeeper.errors import ConfigError, StoreError, missing_dependency

WAIT_SECONDS: Final = 30
"""How long a writer waits for others before it gives up."""
CONNECTION: Final = {
    "connect_timeout": WAIT_SECONDS,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": WAIT_SECONDS * 1000,
}
"""Of PostgreSQL: a server that vanished from the network is missed within about half a minute, not for a quarter of an
hour."""
SCRUB_MILLISECONDS: Final = 500
"""How long writers may be held up for readers to leave while a log is emptied."""
LEAST_FREE: Final = 4 << 20
"""Bytes of a disk that is not full."""
VACUUMED_PAGES: Final = 2000
"""Free pages of SQLite that are given back at once: writers wait for it."""
GIVE_BACK: Final = "PRAGMA auto_vacuum = INCREMENTAL"
"""Free pages of SQLite are given back in parts; counts for a new file, and for another from its next VACUUM on."""
BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
SWITCH_SECONDS: Final = 0.01
"""Between two tries to switch a new file to its write-ahead log."""
LOCK: Final = "SELECT pg_advisory_xact_lock(6010616874226278499)"
"""One writer at a time in one database; any number that no other program takes would do."""
WRITES: Final = {"shopkeeper_writes": True}


class Database:
    """A pool of connections.

    Args:
        url: ``sqlite:///shop.db``, a path of a file, or ``postgresql://user:password@host/database``.

    Raises:
        ConfigError: The address is not one of these.
        MissingDependencyError: The driver of PostgreSQL is not installed.
    """

    def __init__(self, url: str | Path) -> None:
        address = parse_url(url)
        self.name: str = address.render_as_string(hide_password=True).replace("+psycopg", "")
        self.is_sqlite: bool = address.get_backend_name() == "sqlite"
        self.file: Path | None = Path(str(address.database)) if self.is_sqlite else None
        self._engine = _sqlite_engine(address) if self.is_sqlite else _postgres_engine(address)
        self._opened: tuple[int, int] | None = None

    @contextmanager
    def reading(self, snapshot: bool = False) -> Iterator[Connection]:
        """A transaction that only reads; in SQLite all its statements see one moment.

        Args:
            snapshot: They do in PostgreSQL too.

        Raises:
            StoreError: The database refuses.
        """
        with self._errors("read"), self._connected() as connection:
            if snapshot and not self.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other writer overlaps, durable when the block is left, undone where it raises.

        Raises:
            StoreError: The database refuses, or other writers did not finish in time.
        """
        with self._errors("written"), self._connected() as connection:
            connection.execution_options(**WRITES)
            with connection.begin():
                if not self.is_sqlite:
                    connection.exec_driver_sql(LOCK)
                yield connection

    def insert(self, table: Table) -> Any:
        """The insert of this database, which knows what to do on conflicts."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def insert_many(self, table: Table, columns: Sequence[Column[Any]]) -> Any:
        """The same for many rows: one statement for any number, since PostgreSQL takes each column as an array."""
        if self.is_sqlite:
            return self.insert(table)
        arrays = [func.unnest(bindparam(column.name, type_=postgresql.ARRAY(column.type))) for column in columns]
        return self.insert(table).from_select([column.name for column in columns], select(*arrays))

    def parameters(self, rows: Sequence[dict[str, Any]]) -> Any:
        """What `insert_many` takes for at least one row."""
        return rows if self.is_sqlite else {name: [row[name] for row in rows] for name in rows[0]}

    def scrub(self) -> None:
        """Moves what was deleted out of SQLite's write-ahead log too, as far as no reader is in the way."""
        if self.is_sqlite:
            with self._errors("written"), self._engine.connect() as connection:
                plain = connection.connection.dbapi_connection
                if plain is not None:
                    cursor = plain.cursor()
                    cursor.execute(f"PRAGMA busy_timeout = {SCRUB_MILLISECONDS}")
                    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    cursor.execute(f"PRAGMA busy_timeout = {WAIT_SECONDS * 1000}")

    def check_room(self) -> None:
        """Looks whether SQLite's disk has room for some more requests; its log may take a small one when it has not.

        Raises:
            StoreError: It has not.
        """
        free = LEAST_FREE if self.file is None else shutil.disk_usage(self.file.parent).free
        if free < LEAST_FREE:
            raise StoreError(
                f"the disk of the event store {self.name} is full", expected=f"at least {LEAST_FREE:,} bytes",
                got=f"{free:,} bytes", remedy="make room",
            )  # fmt: skip

    def size(self, tables: Sequence[str]) -> int:
        """Bytes on the disk: of the file and its log, or of tables with their indexes."""
        if self.file is not None:
            files = [self.file, self.file.with_name(f"{self.file.name}-wal")]
            return sum(file.stat().st_size for file in files if file.exists())
        sizes = " + ".join(f"pg_total_relation_size('{name}')" for name in tables)
        with self.reading() as connection:
            return int(connection.exec_driver_sql(f"SELECT {sizes}").scalar() or 0)

    def vacuum(self, tables: Sequence[str], whole: bool) -> None:
        """Gives the space of deleted rows back; `whole` writes everything anew."""
        if self.is_sqlite:
            if whole:
                self._outside_transactions("VACUUM", before=GIVE_BACK)
            else:
                self._outside_transactions(f"PRAGMA incremental_vacuum({VACUUMED_PAGES})")
            self.scrub()
        else:
            self._outside_transactions(f"VACUUM ({'FULL, ' if whole else ''}ANALYZE) {', '.join(tables)}")

    def copy_into(self, file: Path) -> None:
        """Writes a compact copy of SQLite's file as of one moment, while others read and write."""
        self._outside_transactions("VACUUM INTO ?", str(file))

    def _outside_transactions(self, statement: str, *values: str, before: str = "") -> None:
        level = "SERIALIZABLE" if self.is_sqlite else "AUTOCOMMIT"  # connections to SQLite begin none by themselves
        with self._errors("written"), self._connected() as connection:
            plain = connection.execution_options(isolation_level=level).connection.dbapi_connection
            if plain is not None:
                cursor = plain.cursor()
                if before:
                    cursor.execute(before)
                cursor.execute(statement, values)
                if self.is_sqlite:
                    cursor.fetchall()  # each row that is read is a page that is given back

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """A connection to the file that stands at the address now: one that was replaced is opened anew.

        Raises:
            StoreError: The file is gone; writing on would be into one that nobody finds again.
        """
        if self._opened is not None and self._opened != (found := self._file_facts()):
            if found is None:
                raise StoreError(f"the file of the event store {self.name} is gone", remedy="restore it")
            self._opened = None
            self._engine.dispose()
        with self._engine.connect() as connection:
            self._opened = self._opened or self._file_facts()
            yield connection

    def _file_facts(self) -> tuple[int, int] | None:
        """Device and number of the file; None where there is none, and for PostgreSQL."""
        try:
            facts = None if self.file is None else self.file.stat()
        except OSError:
            return None
        return None if facts is None else (facts.st_dev, facts.st_ino)

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            reason = getattr(error, "orig", None) or error
            raise StoreError(
                f"the event store {self.name} cannot be {what}",
                got=str(reason).strip().splitlines()[0][:300] if str(reason).strip() else type(reason).__name__,
                remedy="look whether the database runs, its disk has room, and the address and rights are right",
            ) from error


def parse_url(url: str | Path) -> URL:
    """The address as SQLAlchemy takes it, with our drivers.

    Raises:
        ConfigError: It is no address of SQLite or PostgreSQL, or one of a database in memory.
    """
    text = str(url)
    if "://" not in text:
        text = ""
        address = URL.create("sqlite", database=str(url))
    try:
        address = make_url(text) if text else address
    except ArgumentError as error:
        raise ConfigError("the address of the event store cannot be read", got=str(error)) from error
    backend = {"postgres": "postgresql"}.get(address.get_backend_name(), address.get_backend_name())
    if backend not in ("sqlite", "postgresql"):
        raise ConfigError(
            f"the event store cannot be kept in {backend!r}", expected="sqlite:///file, a path, or postgresql://..."
        )
    if backend == "sqlite" and address.database in (None, "", ":memory:"):
        raise ConfigError(
            "the event store must be a file", expected="sqlite:///shop.db", got=address.render_as_string(),
            remedy="what was acknowledged must outlive the process",
        )  # fmt: skip
    return address.set(drivername="sqlite" if backend == "sqlite" else "postgresql+psycopg")


def _sqlite_engine(address: URL) -> Engine:
    engine = create_engine(address, connect_args={"timeout": WAIT_SECONDS})

    @event.listens_for(engine, "do_connect")
    def _make_private(*_: Any) -> None:
        """The file is made for its owner alone, before SQLite would make it for everybody; its logs follow it.

        One that is there is not touched: to close any descriptor of it drops the locks that this process holds on it
        (POSIX), and another process that leaves would take the log of writes away from under this one.
        """
        with suppress(OSError):  # it is there, or the connection says what is wrong
            os.close(os.open(str(address.database), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say so
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA secure_delete = ON")
        if cursor.execute("PRAGMA page_count").fetchone()[0] == 0:
            cursor.execute(GIVE_BACK)  # of a file that is in use it would wait for who writes
        _write_ahead(cursor)
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("shopkeeper_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _write_ahead(cursor: Any) -> None:
    """Keeps changes in a log of their own from now on; who finds another at the same switch tries again.

    SQLite's own waiting does not cover this: of several that open a new file together all but one are refused at once.
    """
    ends = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in BUSY or time.monotonic() > ends:
                raise
            time.sleep(SWITCH_SECONDS)


def _postgres_engine(address: URL) -> Engine:
    try:
        engine = create_engine(address, pool_pre_ping=True, connect_args=CONNECTION)
    except ImportError as error:
        raise missing_dependency("psycopg", "postgres", "an event store in PostgreSQL") from error

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            if cursor.fetchone()[0] == "off":  # acknowledged means durable
                cursor.execute("SET synchronous_commit = on")
            cursor.execute(f"SET lock_timeout = '{WAIT_SECONDS}s'")
        connection.commit()

    return engine

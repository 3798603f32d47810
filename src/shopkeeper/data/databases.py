"""Rows in a database: a table or a query of DuckDB, SQLite or PostgreSQL, copied once into the staging database."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

from shopkeeper.data.engine import STAGING, quoted, reading, text_literal
from shopkeeper.data.files import stage
from shopkeeper.data.sources import SourceTable, make_view, unique_name
from shopkeeper.errors import DataError, choices, missing_dependency

SCHEMES: Final = ("duckdb", "sqlite", "postgresql")
CHUNK: Final = 100_000
CLOSED: Final[dict[str, bool | int | float | str | list[str]]] = {"enable_external_access": "false"}
"""Of DuckDB: a query reads the tables of its database, and no other file."""
POSTGRES_TYPES: Final = {
    16: "BOOLEAN", 20: "BIGINT", 21: "BIGINT", 23: "BIGINT", 700: "DOUBLE", 701: "DOUBLE", 1700: "DOUBLE",
    1082: "DATE", 1114: "TIMESTAMP", 1184: "TIMESTAMPTZ",
}  # fmt: skip
"""PostgreSQL's numbers of its types, and what they are here; any other type is read as text."""


@dataclass(frozen=True)
class Address:
    """A table or query of a database.

    Attributes:
        scheme: One of `SCHEMES`.
        server: The address without the table or query; for a file, its path.
        query: What to run.
        name: For messages, without password.
    """

    scheme: str
    server: str
    query: str
    name: str


def read_database(source: str, engine: Any) -> SourceTable:
    """Copies the rows of a table or query.

    Args:
        source: For example ``duckdb:///shop.duckdb?table=events`` or ``sqlite:///shop.db?query=SELECT ...``.
        engine: The Ibis backend.

    Raises:
        DataError: The address, the database, the table or the query is wrong.
        MissingDependencyError: PostgreSQL's driver is not installed.
    """
    address = parse_address(source)
    copy = {"duckdb": _from_duckdb, "sqlite": _from_sqlite, "postgresql": _from_postgres}[address.scheme]
    with reading(address.name):
        table, columns = copy(address, engine)
    return SourceTable(table, tuple(columns), address.name)


def parse_address(source: str) -> Address:
    """Takes a database address apart.

    Raises:
        DataError: The scheme is not known, or no table or query is named.
    """
    parts = urlsplit(source)
    scheme = {"postgres": "postgresql"}.get(parts.scheme, parts.scheme)
    if scheme not in SCHEMES:
        raise DataError(f"unknown kind of database {parts.scheme!r}", expected=choices(scheme, SCHEMES))
    options, query = _split_query(parts.query)
    name = f"{scheme}://{parts.hostname or ''}{parts.path}"
    if not query:
        raise DataError(
            f"{name} does not say what to read",
            expected="?table=NAME or ?query=SELECT ...",
            remedy=f"for example {name}?table=events",
        )
    if scheme == "postgresql":
        return Address(scheme, urlunsplit((scheme, parts.netloc, parts.path, options, "")), query, name)
    file = unquote(parts.netloc + parts.path).removeprefix("/")
    if not Path(file).is_file():
        raise DataError(f"there is no database file {file}", remedy="four slashes before an absolute path")
    return Address(scheme, file, query, name)


def _split_query(text: str) -> tuple[str, str]:
    """Options of the server, and the SQL to run."""
    before, found, query = text.partition("query=")
    if found and (not before or before.endswith("&")):
        return before.rstrip("&"), unquote(query).strip().rstrip(";")
    options = [option for option in text.split("&") if option and not option.startswith("table=")]
    table = next((option[len("table=") :] for option in text.split("&") if option.startswith("table=")), "")
    identifier = ".".join(quoted(part) for part in unquote(table).split(".")) if table else ""
    return "&".join(options), f"SELECT * FROM {identifier}" if identifier else ""


def _from_duckdb(address: Address, engine: Any) -> tuple[Any, Sequence[str]]:
    """Runs the query in a database of its own, which can neither write nor reach any other file."""
    import duckdb

    statements = duckdb.extract_statements(address.query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise DataError(f"{address.name} has a query that does more than read", expected="one SELECT")
    rows, name = f"{STAGING}.main.{unique_name('rows')}", unique_name("duckdb")
    with duckdb.connect(address.server, read_only=True, config=CLOSED) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET lock_configuration = true")
        found = connection.sql(address.query)
        engine.con.register(name, found.to_arrow_reader(CHUNK) if hasattr(found, "to_arrow_reader") else found.arrow())
        engine.raw_sql(f"CREATE TABLE {rows} AS SELECT * FROM {name}")
        engine.con.unregister(name)
    columns = [row[0] for row in engine.raw_sql(f"SELECT column_name FROM (DESCRIBE {rows})").fetchall()]
    return make_view(engine, "rowid", columns, rows), columns


def _from_sqlite(address: Address, engine: Any) -> tuple[Any, Sequence[str]]:
    try:
        connection = sqlite3.connect(
            f"file:{Path(address.server).resolve()}?mode=ro", uri=True, check_same_thread=False
        )
        try:
            reader = _SqliteReader(connection, address.query)
            engine.con.register(name := unique_name("sqlite"), reader.batches())
            table = stage(engine, reader.columns, name)
            engine.con.unregister(name)
            return table, reader.columns
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise DataError(
            f"{address.name} cannot be read", got=str(error), remedy="check the file, the table and the query"
        ) from error


class _SqliteReader:
    """Runs a query in SQLite, whose columns may mix types: whatever is not all numbers is read as text."""

    def __init__(self, connection: sqlite3.Connection, query: str) -> None:
        import pyarrow as pa

        self._connection = connection
        self.columns = [part[0] for part in connection.execute(f"SELECT * FROM ({query}) LIMIT 0").description]
        kinds = connection.execute(
            "SELECT "
            + ", ".join(f"group_concat(DISTINCT typeof({quoted(column)}))" for column in self.columns)
            + f" FROM ({query})"
        ).fetchone()
        self._types = [_sqlite_type(set((text or "null").split(",")) - {"null"}) for text in kinds]
        parts = [
            quoted(column) if kind != pa.string() else f"CAST({quoted(column)} AS TEXT)"
            for column, kind in zip(self.columns, self._types, strict=True)
        ]
        self._query = f"SELECT {', '.join(parts)} FROM ({query})"

    def batches(self) -> Any:
        """The rows as an Arrow reader of record batches."""
        import pyarrow as pa

        schema = pa.schema(list(zip(self.columns, self._types, strict=True)))
        return pa.RecordBatchReader.from_batches(schema, self._chunks(schema))

    def _chunks(self, schema: Any) -> Any:
        import pyarrow as pa

        cursor = self._connection.execute(self._query)
        while rows := cursor.fetchmany(CHUNK):
            values = [pa.array(part, kind) for part, kind in zip(zip(*rows, strict=True), schema.types, strict=True)]
            yield pa.record_batch(values, schema=schema)


def _sqlite_type(kinds: set[str]) -> Any:
    import pyarrow as pa

    if kinds and kinds <= {"integer"}:
        return pa.int64()
    return pa.float64() if kinds and kinds <= {"integer", "real"} else pa.string()


def _from_postgres(address: Address, engine: Any) -> tuple[Any, Sequence[str]]:
    try:
        import psycopg
    except ImportError as error:
        raise missing_dependency("psycopg", "postgres", "reading a PostgreSQL database") from error
    try:
        with psycopg.connect(address.server) as connection, connection.cursor() as cursor:
            connection.read_only = True
            cursor.execute(f"SELECT * FROM ({address.query}) AS wanted LIMIT 0".encode(), prepare=True)  # one statement
            types = {part.name: POSTGRES_TYPES.get(part.type_code, "VARCHAR") for part in cursor.description or ()}
            with tempfile.NamedTemporaryFile(suffix=".csv") as file:
                with cursor.copy(f"COPY ({address.query}) TO STDOUT (FORMAT csv)".encode()) as copy:
                    for block in copy:
                        file.write(block)
                file.flush()
                return stage(engine, list(types), _copied(file.name, types)), list(types)
    except psycopg.Error as error:
        raise DataError(
            f"{address.name} cannot be read",
            got=str(error).strip()[:300],
            remedy="check server, rights, table and query",
        ) from error


def _copied(file: str, types: dict[str, str]) -> str:
    columns = ", ".join(f"{text_literal(name)}: {text_literal(kind)}" for name, kind in types.items())
    return (
        f"read_csv({text_literal(file)}, auto_detect=false, header=false, quote='\"', escape='\"', delim=',', "
        f"columns={{{columns}}}, allow_quoted_nulls=false, max_line_size=16777216)"
    )

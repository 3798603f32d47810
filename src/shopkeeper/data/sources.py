"""Where rows come from: files, folders, tables in memory, databases; all end as one lazy Ibis table with row numbers.

A source is one of

- a path: `events.parquet`, `events.csv.gz`, `events.jsonl`, a glob `logs/*.parquet`, or a folder of files of one kind,
  also partitioned as `logs/date=2024-01-01/part.parquet`;
- a pandas, Polars or Arrow table;
- a database: `duckdb:///shop.duckdb?table=events`, `sqlite:///shop.db?query=SELECT ...`,
  `postgresql://user@host/shop?table=public.events` (three slashes before a relative path, four before an absolute one;
  `query=` comes last and runs to the end of the text).

Parquet is read in place. CSV, JSON and databases are copied once into the engine's staging database, so that later
passes are fast and see the same rows. Columns of a CSV arrive as text: "00123" is an id and must not become 123.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from shopkeeper.config import Settings
from shopkeeper.data.engine import EngineSettings, open_engine, quoted
from shopkeeper.data.schema import ROW
from shopkeeper.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    Source: TypeAlias = str | Path | pd.DataFrame | pl.DataFrame | pa.Table

SOURCE_PREFIX: Final = "source."
"""Columns of a source carry this before their names, so that they never collide with ours."""
_names = count(1)


class SourceSettings(Settings):
    """How sources are read."""

    delimiter: str | None = None
    """Between the fields of a CSV; None takes the one that the header shows (comma, tab, semicolon or bar)."""
    encoding: Literal["utf-8", "latin-1", "utf-16"] = "utf-8"
    """Of a CSV."""
    bad_lines: Literal["report", "error"] = "report"
    """What lines of a CSV do that cannot be split into the columns: counted and reported, or an error."""
    engine: EngineSettings = EngineSettings()
    """What the engine may use."""


@dataclass(frozen=True)
class BrokenLine:
    """A line of a CSV that could not be read.

    Attributes:
        file: Name of the file.
        line: Number of the line, from 1.
        problem: What is wrong with it.
        text: The line itself, cut to 200 characters.
    """

    file: str
    line: int
    problem: str
    text: str


@dataclass(frozen=True)
class SourceTable:
    """Rows of a source.

    Attributes:
        table: Ibis table with `row` (int64, from 0, in the order of the source) and each column of the source under
            its own name after `SOURCE_PREFIX`.
        columns: The source's own names, in its order.
        name: Where it came from, without passwords, for messages.
        all_text: Every column is text since the format has no types (CSV).
        broken_lines: Lines that could not be read.
        broken_examples: Up to five of them.
    """

    table: Any
    columns: tuple[str, ...]
    name: str
    all_text: bool = False
    broken_lines: int = 0
    broken_examples: Sequence[BrokenLine] = ()


def read_source(source: Source, settings: SourceSettings | None = None) -> SourceTable:
    """Opens a source.

    Args:
        source: A path, a database address or a table in memory, as described above.
        settings: How to read it.

    Returns:
        Its rows, lazy, on an engine of their own.

    Raises:
        DataError: It is missing, damaged, half-written or of no known kind.
        ResourceError: Memory or disk ran out.
    """
    from shopkeeper.data import databases, files

    settings = settings or SourceSettings()
    if not isinstance(source, str | Path):
        return _read_in_memory(source, open_engine(settings.engine))
    if isinstance(source, str) and "://" in source:
        return databases.read_database(source, open_engine(settings.engine))
    return files.read_files(str(source), settings, open_engine(settings.engine))


def make_view(engine: Any, row: str, columns: Sequence[str], origin: str) -> Any:
    """A view of `origin` with the row number and the prefixed columns.

    Args:
        engine: The Ibis backend.
        row: SQL expression of the row number.
        columns: The source's own column names.
        origin: SQL of a table or table function.

    Returns:
        The view as an Ibis table.
    """
    check_columns(columns)
    name = unique_name("source")
    parts = ", ".join(f"{quoted(column)} AS {quoted(SOURCE_PREFIX + column)}" for column in columns)
    engine.raw_sql(f"CREATE TEMP VIEW {name} AS SELECT CAST({row} AS BIGINT) AS {quoted(ROW)}, {parts} FROM {origin}")
    return engine.table(name)


def unique_name(kind: str) -> str:
    """A name for a table or view that no other has in this process."""
    return f"{kind}_{next(_names)}"


def check_columns(columns: Sequence[str]) -> None:
    """Refuses a source whose columns cannot be told apart.

    Raises:
        DataError: A name is empty or occurs twice (case does not tell two columns apart).
    """
    seen: set[str] = set()
    for column in columns:
        if not column.strip() or column.lower() in seen:
            raise DataError(
                f"the column name {column!r} is empty or occurs twice",
                got=f"columns {', '.join(map(repr, columns))}",
                remedy="is the first line the header, and the delimiter right? name each column once",
            )
        seen.add(column.lower())


def _read_in_memory(source: Any, engine: Any) -> SourceTable:
    import pyarrow as pa

    table, kind = _as_arrow(source)
    columns = tuple(map(str, table.column_names))
    check_columns(columns)
    table = pa.table(
        [pa.array(np.arange(table.num_rows, dtype=np.int64)), *table.columns],
        names=[ROW, *(SOURCE_PREFIX + column for column in columns)],
    )
    name = unique_name("memory")
    engine.con.register(name, table)
    return SourceTable(engine.table(name), columns, f"{kind} table in memory")


def _as_arrow(source: Any) -> tuple[pa.Table, str]:
    import pyarrow as pa

    if isinstance(source, pa.Table):
        return source, "Arrow"
    library = type(source).__module__.partition(".")[0]
    try:
        if library == "polars":
            frame = source.collect() if hasattr(source, "collect") else source
            return frame.to_arrow(), "Polars"
        if library == "pandas":
            return pa.Table.from_pandas(source, preserve_index=False), "pandas"
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise DataError(
            "a column of the table holds values of different types",
            got=str(error)[:300],
            remedy="give each column one type, for example frame['item_id'].astype(str)",
        ) from error
    raise DataError(
        "this is no source of rows",
        expected="a path, a database address, or a pandas, Polars or Arrow table",
        got=type(source).__name__,
    )

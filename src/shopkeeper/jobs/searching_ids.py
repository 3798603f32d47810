"""Searches files for the id of a user: what is packed is unpacked, of databases free pages and logs are read too."""

from __future__ import annotations

import gzip
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from shopkeeper.data import schema
from shopkeeper.jobs.erasure import USERS, is_sqlite
from shopkeeper.types import Id

TEXTS: Final = (".csv", ".tsv", ".jsonl", ".ndjson", ".txt", ".log")
"""Files in which an integer between other characters is taken for an id."""
PIECE: Final = 1 << 24
"""Bytes in memory at once."""


def files_with(user_id: Id, path: Path) -> list[Path]:
    """All files at or below a path that hold the id of a user.

    A text is found as a whole cell of Parquet, as a word of a text file, and as bytes anywhere in another; an integer
    in columns of user ids and in text files that are rows.

    Args:
        user_id: As the shop has it.
        path: A file or a folder; links are not followed.
    """
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    return [file for file in files if not file.is_symlink() and _holds(user_id, file)]


def _holds(user_id: Id, file: Path) -> bool:
    if file.suffix == ".parquet":
        return _in_table(user_id, file)
    if is_sqlite(file):
        return _in_database(user_id, file)
    if isinstance(user_id, int) and not {*file.suffixes} & {*TEXTS}:
        return False
    return _in_bytes(str(user_id).encode(), file)


def _in_table(user_id: Id, file: Path) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    def looked_at(field: pa.Field) -> bool:
        if isinstance(user_id, int):
            named = field.name == schema.USER_ID or (field.name == "id" and file.name == USERS)
            return named and pa.types.is_integer(field.type)
        return bool(pa.types.is_string(field.type) or pa.types.is_large_string(field.type))

    with pq.ParquetFile(file) as table:
        columns = [field.name for field in table.schema_arrow if looked_at(field)]
        return any(
            pc.any(pc.equal(column, pa.scalar(user_id, column.type))).as_py()
            for batch in table.iter_batches(columns=columns)
            for column in batch.columns
        )


def _in_database(user_id: Id, file: Path) -> bool:
    """Whether a row has the id, or, of a text, free space has it that no other value in the rows explains."""
    uri = f"{file.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True)
    try:
        values = [value for column in _text_columns(connection) for value in _containing(connection, column, user_id)]
    finally:
        connection.close()
    if str(user_id) in values:
        return True
    return isinstance(user_id, str) and not values and _in_bytes(user_id.encode(), file)


def _text_columns(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for column in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
            yield table, column[1]


def _containing(connection: sqlite3.Connection, column: tuple[str, str], user_id: Id) -> Iterator[str]:
    table, name = column
    if isinstance(user_id, int) and name != schema.USER_ID:
        return
    query = f'SELECT DISTINCT "{name}" FROM "{table}" WHERE instr(CAST("{name}" AS TEXT), ?) > 0'
    for (value,) in connection.execute(query, (str(user_id),)):
        yield str(value)


def _in_bytes(wanted: bytes, file: Path) -> bool:
    """Whether the bytes stand in a file: as a whole word where it is text."""
    word = re.compile(rb"(?<![\w-])" + re.escape(wanted) + rb"(?![\w-])")
    left = b""
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
        while piece := stream.read(PIECE):
            text = left + piece
            if wanted in text and (b"\0" in text or word.search(text)):
                return True
            left = text[-len(wanted) - 1 :]
    return False

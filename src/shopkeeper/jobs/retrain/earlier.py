"""What was known before the store, as one Parquet file: a given log, the log of the bundle, or its histories."""

from __future__ import annotations

from pathlib import Path

from shopkeeper.data import schema
from shopkeeper.data.engine import reading
from shopkeeper.data.events import Events
from shopkeeper.data.log_rows import write_rows
from shopkeeper.pipeline.bundle import Bundle


def known_rows(bundle: Bundle, file: Path) -> Path:
    """The rows that a bundle was made of: the log that it keeps, else its histories, written to `file`."""
    if bundle.log is not None and bundle.log.file is not None:
        return bundle.log.file
    write_rows(bundle.pipeline.memory, file)
    return file


def write_log(log: Events, file: Path) -> None:
    """Copies the canonical columns of a log.

    Raises:
        DataError: The log cannot be read.
    """
    session = {schema.SESSION_ID: log.table[schema.SESSION_ID].cast("string")} if _has(log, schema.SESSION_ID) else {}
    with reading(log.source):
        log.table.drop(schema.ROW).mutate(**session).to_parquet(file)


def _has(log: Events, column: str) -> bool:
    return column in log.table.columns

"""Turns the event store into a log: one Parquet file with the canonical columns, read back by every other command."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from shopkeeper.artifacts import file_hash
from shopkeeper.data import schema
from shopkeeper.data.schema import EVENT_COLUMNS
from shopkeeper.errors import ArtifactError
from shopkeeper.pipeline.card import StorePosition
from shopkeeper.serving.event_store.records import IdKinds, ShopEvent
from shopkeeper.serving.event_store.store import EventStore

if TYPE_CHECKING:
    import pyarrow as pa

    from shopkeeper.progress import Progress

PAGE: Final = 50_000
"""Events in memory at once."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        rows: Number of events.
        position: How much of the store they are.
        sha256: Hash of the file, in hexadecimal.
    """

    rows: int
    position: StorePosition
    sha256: str


def export_events(store: EventStore, file: Path, progress: Progress | None = None) -> Exported:
    """Writes all events that the store holds now, in the order in which they came.

    Args:
        store: An open store.
        file: Written whole or not at all; an earlier file is replaced.
        progress: Told after each page.

    Raises:
        StoreError: The store cannot be read.
        ArtifactError: The file cannot be written; an earlier one is unchanged.
    """
    position = store.mark()
    temporary = file.with_name(f".{file.name}.writing-{uuid.uuid4().hex[:8]}")
    if progress:
        progress.start("exporting", position.sequence)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.touch(mode=0o600)
            rows = _write(store, position.sequence, temporary, progress)
            exported = Exported(rows, position, file_hash(temporary))
            temporary.replace(file)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ArtifactError(f"cannot write {file}", got=str(error), remedy="check space and permissions") from error
    if progress:
        progress.finish()
    return exported


def _write(store: EventStore, last: int, file: Path, progress: Progress | None) -> int:
    """Writes the events up to a sequence through to the disk; gives their number."""
    import pyarrow.parquet as pq

    columns = _columns(store.kinds)
    rows = 0
    with pq.ParquetWriter(file, columns, compression="zstd") as writer:
        for page in _pages(store, last):
            writer.write_table(_table(page, columns))
            rows += len(page)
            if progress:
                progress.advance(len(page))
    with file.open("rb") as written:
        os.fsync(written.fileno())
    return rows


def _pages(store: EventStore, last: int) -> Iterator[Sequence[ShopEvent]]:
    cursor = 0
    while page := [stored for stored in store.after(cursor, PAGE) if stored.sequence <= last]:
        yield [stored.event for stored in page]
        cursor = page[-1].sequence


def _columns(kinds: IdKinds) -> pa.Schema:
    import pyarrow as pa

    types = dict.fromkeys(EVENT_COLUMNS, pa.string()) | {
        schema.USER_ID: pa.int64() if kinds.user_integer else pa.string(),
        schema.ITEM_ID: pa.int64() if kinds.item_integer else pa.string(),
        schema.TIMESTAMP: pa.timestamp("us", tz="UTC"),
        schema.QUANTITY: pa.float64(),
        schema.PRICE: pa.float64(),
        schema.POSITION: pa.int64(),
    }
    return pa.schema(list(types.items()))


def _table(events: Sequence[ShopEvent], columns: pa.Schema) -> pa.Table:
    import pyarrow as pa

    values = dict(zip(ShopEvent._fields, zip(*events, strict=True), strict=True))
    arrays = [pa.array(values[field.name], type=field.type) for field in columns]
    return pa.Table.from_arrays(arrays, schema=columns)

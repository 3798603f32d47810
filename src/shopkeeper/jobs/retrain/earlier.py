"""What was known before the store: a given log, or the histories of the bundle, as one Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from shopkeeper.data import schema
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.engine import reading
from shopkeeper.data.events import Events
from shopkeeper.data.schema import EVENT_TYPES

if TYPE_CHECKING:
    import pyarrow as pa

USERS_A_BATCH: Final = 100_000


def write_log(log: Events, file: Path) -> None:
    """Copies the canonical columns of a log.

    Raises:
        DataError: The log cannot be read.
    """
    session = {schema.SESSION_ID: log.table[schema.SESSION_ID].cast("string")} if _has(log, schema.SESSION_ID) else {}
    with reading(log.source):
        log.table.drop(schema.ROW).mutate(**session).to_parquet(file)


def write_histories(memory: Dataset, file: Path) -> None:
    """Writes histories back as rows with ids."""
    import pyarrow.parquet as pq

    writer = None
    for table in _tables(memory):
        writer = writer or pq.ParquetWriter(file, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _has(log: Events, column: str) -> bool:
    return column in log.table.columns


def _tables(memory: Dataset) -> Iterator[pa.Table]:
    import pyarrow as pa

    words = pa.array(["", *(event_type.value for event_type in EVENT_TYPES)])
    placements = None if memory.placements is None else pa.array([None, *memory.placements.arrow.to_pylist()])
    for start, batch in memory.histories.batches(USERS_A_BATCH):
        first = int(memory.histories.offsets[start])
        events = slice(first, first + batch.n_events)
        columns = {
            schema.USER_ID: memory.users.arrow.take(batch.rows + start),
            schema.ITEM_ID: memory.items.arrow.take(np.asarray(batch.item_index, dtype=np.int64) - 1),
            schema.EVENT_TYPE: words.take(np.asarray(batch.event_type)),
            schema.TIMESTAMP: pa.array(np.asarray(batch.timestamp), pa.timestamp("us", tz="UTC")),
        }
        if memory.session_index is not None:
            numbers = np.asarray(memory.session_index[events]).astype(str)
            columns[schema.SESSION_ID] = pa.array(np.char.add("bundle-", numbers))
        for name, values in ((schema.QUANTITY, memory.quantity), (schema.PRICE, memory.price)):
            if values is not None:
                columns[name] = pa.array(np.asarray(values[events], dtype=np.float64), from_pandas=True)
        if placements is not None and batch.placement is not None:
            columns[schema.PLACEMENT] = placements.take(np.asarray(batch.placement, dtype=np.int64))
        yield pa.table(columns)

"""A prepared log written back as rows with the shop's ids, which every reader of logs takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from shopkeeper.data import schema
from shopkeeper.data.schema import EVENT_TYPES

if TYPE_CHECKING:
    import pyarrow as pa

    from shopkeeper.data.dataset import Dataset

USERS_PER_BATCH: Final = 100_000


def write_rows(dataset: Dataset, file: Path) -> None:
    """Writes one row an event as Parquet, by user and time.

    Sessions are named by their numbers; columns that the log does not have are left out.
    """
    import pyarrow.parquet as pq

    writer = None
    for table in _tables(dataset):
        writer = writer or pq.ParquetWriter(file, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _tables(dataset: Dataset) -> Iterator[pa.Table]:
    import pyarrow as pa

    words = pa.array(["", *(event_type.value for event_type in EVENT_TYPES)])
    placements = None if dataset.placements is None else pa.array([None, *dataset.placements.arrow.to_pylist()])
    for start, batch in dataset.histories.batches(USERS_PER_BATCH):
        first = int(dataset.histories.offsets[start])
        events = slice(first, first + batch.n_events)
        columns = {
            schema.USER_ID: dataset.users.arrow.take(batch.rows + start),
            schema.ITEM_ID: dataset.items.arrow.take(np.asarray(batch.item_index, dtype=np.int64) - 1),
            schema.EVENT_TYPE: words.take(np.asarray(batch.event_type)),
            schema.TIMESTAMP: pa.array(np.asarray(batch.timestamp), pa.timestamp("us", tz="UTC")),
        }
        if dataset.session_index is not None:
            numbers = np.asarray(dataset.session_index[events]).astype(str)
            columns[schema.SESSION_ID] = pa.array(np.char.add("bundle-", numbers))
        for name, values in ((schema.QUANTITY, dataset.quantity), (schema.PRICE, dataset.price)):
            if values is not None:
                columns[name] = pa.array(np.asarray(values[events], dtype=np.float64), from_pandas=True)
        if placements is not None and batch.placement is not None:
            columns[schema.PLACEMENT] = placements.take(np.asarray(batch.placement, dtype=np.int64))
        yield pa.table(columns)

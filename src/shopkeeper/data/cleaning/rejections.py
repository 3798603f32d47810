"""The rows that were not kept: written to `rejected.parquet` with the shop's ids and the reason, and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from shopkeeper.data import schema
from shopkeeper.data.cleaning.log import CHUNK, Log
from shopkeeper.data.cleaning.reasons import KEPT, REASONS, Reason
from shopkeeper.data.schema import EVENT_TYPES
from shopkeeper.types import Int32Array, UInt8Array

if TYPE_CHECKING:
    import pyarrow as pa

FILE: Final = "rejected.parquet"
REASON: Final = "reason"
OF_ONE_USER: Final = 100
"""Rejected rows of one user that say something of the log; more say something of the user."""


@dataclass(frozen=True)
class RejectionCount:
    """How many rows a reason took, for people.

    Attributes:
        reason: The reason.
        rows: Number of rows.
        explanation: One sentence.
    """

    reason: Reason
    rows: int
    explanation: str


class Rejections:
    """Writes rejected rows as they come. A context manager; the file is whole after it.

    Args:
        file: The Parquet file.
        users: Ids of users, by number - 1.
        items: Ids of items, by number - 1.
    """

    def __init__(self, file: Path, users: pa.Array, items: pa.Array) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._ids = {schema.USER_ID: users, schema.ITEM_ID: items}
        words = pa.dictionary(pa.int8(), pa.string())
        self._schema = pa.schema(
            [
                (schema.ROW, pa.int64()),
                *((name, ids.type) for name, ids in self._ids.items()),
                (schema.EVENT_TYPE, words),
                (schema.TIMESTAMP, pa.timestamp("us", "UTC")),
                (schema.QUANTITY, pa.float32()),
                (schema.PRICE, pa.float64()),
                (REASON, words),
            ]
        )
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")
        self.counts: dict[Reason, int] = {}
        self._of_user = np.zeros(len(users) + 1, dtype=np.int64)

    def __enter__(self) -> Rejections:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._writer.close()

    def add(self, log: Log, reason: UInt8Array) -> dict[str, int]:
        """Writes the events that a step rejects.

        Args:
            log: All events that the step saw.
            reason: uint8 [events]; 0 for an event that stays.

        Returns:
            Number of rows by reason.
        """
        places = np.flatnonzero(reason != KEPT)
        for start in range(0, len(places), CHUNK):
            chunk = places[start : start + CHUNK]
            self._writer.write_table(self._table(log.at(chunk), reason[chunk]))
        self._of_user += np.bincount(log.user[places], minlength=len(self._of_user))
        by_code = np.bincount(reason[places], minlength=len(REASONS) + 1)
        found = {name: int(by_code[name.code]) for name in REASONS if by_code[name.code]}
        for name, rows in found.items():
            self.counts[name] = self.counts.get(name, 0) + rows
        return {name.value: rows for name, rows in found.items()}

    @property
    def beyond_one_user(self) -> int:
        """Rejected rows beyond the first `OF_ONE_USER` of each user: how much one alone, a bot say, can add."""
        return int(np.maximum(self._of_user[1:] - OF_ONE_USER, 0).sum())

    def _table(self, log: Log, reason: UInt8Array) -> pa.Table:
        import pyarrow as pa

        absent = pa.nulls(len(log), pa.float32())
        return pa.table(
            [
                pa.array(log.row.astype(np.int64)),
                _ids(self._ids[schema.USER_ID], log.user),
                _ids(self._ids[schema.ITEM_ID], log.item),
                _words([event_type.value for event_type in EVENT_TYPES], log.event_type),
                pa.array(log.time, pa.timestamp("us", "UTC"), mask=reason == Reason.MISSING_TIME.code),
                absent if log.quantity is None else pa.array(log.quantity, from_pandas=True),
                absent if log.price is None else pa.array(log.price, from_pandas=True),
                _words([name.value for name in REASONS], reason),
            ],
            schema=self._schema,
        )


def rejection_counts(facts: Mapping[str, Any]) -> list[RejectionCount]:
    """What was rejected and why, the most frequent reason first.

    Args:
        facts: `Dataset.facts` of a prepared dataset.
    """
    counts = {Reason(name): int(rows) for name, rows in facts.get("rejected", {}).items()}
    order = sorted(counts, key=lambda name: (-counts[name], name.code))
    return [RejectionCount(name, counts[name], name.explanation) for name in order]


def _ids(ids: pa.Array, numbers: Int32Array) -> pa.Array:
    """The ids of numbers from 1; null for 0."""
    import pyarrow as pa

    return ids.take(pa.array(numbers.astype(np.int64) - 1, mask=numbers == 0))


def _words(words: list[str], codes: UInt8Array) -> pa.Array:
    """The words of codes from 1; null for 0."""
    import pyarrow as pa

    places = pa.array(codes.astype(np.int8) - np.int8(1), mask=codes == 0)
    return pa.DictionaryArray.from_arrays(places, pa.array(words, pa.string()))

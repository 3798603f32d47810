"""Pairs to ask about, block by block: rows of a file, or shoppers with items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from shopkeeper.data.columns import match_columns
from shopkeeper.data.engine import reading
from shopkeeper.data.ids import id_columns
from shopkeeper.data.schema import ITEM_ID, ROW, TIMESTAMP, USER_ID
from shopkeeper.data.sources import SOURCE_PREFIX, SourceTable, read_source
from shopkeeper.data.times import TimeSettings, timestamps
from shopkeeper.data.vocabulary import UNKNOWN, Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.jobs.predict import Asker
from shopkeeper.types import BoolArray, Int32Array, Int64Array, UInt8Array

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK: Final = 1 << 16
"""Pairs in memory at once."""
NO_USER, NO_ITEM, UNKNOWN_ITEM, NO_TIME, BEYOND, NOT_GIVEN = (
    "has no shopper id", "has no item id", "is of an item that neither log nor catalog knows",
    "has a time that cannot be read", "has a time after the moment that is asked for (--at)",
    "is a pair without the event that the predictor is given, or it lies too far back",
)  # fmt: skip
REASONS: Final = (NO_USER, NO_ITEM, UNKNOWN_ITEM, NO_TIME, BEYOND, NOT_GIVEN)
"""Why a row cannot be answered; the place from 1 is the code inside, and a row has the first that holds."""
REASON: Final = "reason"
"""The column that tells it in words."""


@dataclass(frozen=True)
class Block:
    """Some pairs.

    Attributes:
        ids: Columns of the answer: ids as they went in, and times where the file has them.
        user: int32 [n]; 0 for a shopper that the log does not know.
        item: int32 [n]; 0 where the predictor is of shoppers.
        time: int64 [n], Unix microseconds; None for the moment of all.
        asked: Rows that this block came from, rejected ones included.
        rejected: Those that cannot be answered: `row` (from 0), ids, times and `reason`; None where none can be.
    """

    ids: pa.Table
    user: Int32Array
    item: Int32Array
    time: Int64Array | None
    asked: int
    rejected: pa.Table | None = None


@dataclass
class Rejected:
    """Rows of a file that cannot be answered.

    Attributes:
        counts: Number of rows by reason.
        examples: The first row of each reason: its number in the file from 1, and the reason.
    """

    counts: dict[str, int] = field(default_factory=dict)
    examples: list[tuple[int, str]] = field(default_factory=list)

    def add(self, reason: str, rows: Int64Array) -> None:
        """Counts rows (numbers from 0) of one reason."""
        if len(rows):
            if reason not in self.counts:
                self.examples.append((int(rows[0]) + 1, reason))
            self.counts[reason] = self.counts.get(reason, 0) + len(rows)


@dataclass
class FileOfPairs:
    """Rows of a file with user_id, item_id and perhaps timestamp.

    Attributes:
        asker: Whom they are asked.
        source: The opened file.
        rejected: What could not be answered so far.
        new_shoppers: Rows so far of shoppers that the log does not know.
        after_log: Answered rows so far whose time is after the end of the log: nothing is known of what came between.
    """

    asker: Asker
    source: SourceTable
    rejected: Rejected = field(default_factory=Rejected)
    new_shoppers: int = 0
    after_log: int = 0

    @staticmethod
    def open(file: Path, asker: Asker) -> FileOfPairs:
        """Opens a CSV, JSON lines or Parquet file.

        Raises:
            DataError: It cannot be read.
        """
        opened = FileOfPairs(asker, read_source(str(file)))
        if opened.source.broken_lines:
            opened.rejected.counts["is a line that cannot be read"] = opened.source.broken_lines
        return opened

    def __len__(self) -> int:
        return int(self.source.table.count().to_pyarrow().as_py())

    def __iter__(self) -> Iterator[Block]:
        """The blocks, in the order of the file.

        Raises:
            DataError: A column is missing, or ids are of another kind than those of the log.
        """
        with reading(self.source.name):
            table = self._columns()
            for batch in table.order_by(ROW).to_pyarrow_batches(chunk_size=BLOCK):
                yield self._block(batch)

    def _columns(self) -> Any:
        roles = [USER_ID, ITEM_ID, TIMESTAMP] if self.asker.of_items else [USER_ID, TIMESTAMP]
        required = roles[:-1]
        found = {
            ours: SOURCE_PREFIX + theirs
            for ours, theirs in match_columns(self.source.columns, {}, roles, required).items()
        }
        table = self.source.table
        ids = {ours: name for ours, name in found.items() if ours != TIMESTAMP}
        values = id_columns(table, ids, self.source.all_text)
        if TIMESTAMP in found:
            values[TIMESTAMP], _ = timestamps(table[found[TIMESTAMP]], TimeSettings())
        dataset = self.asker.dataset
        for name, vocabulary in ((USER_ID, dataset.users), (ITEM_ID, dataset.items)):
            if name in values:
                values[name] = _of_kind(values[name], name, vocabulary)
        return table.select(ROW, **values)

    def _block(self, batch: pa.RecordBatch) -> Block:
        import pyarrow as pa

        table = pa.Table.from_batches([batch])
        user = self.asker.dataset.users.indices(table.column(USER_ID))
        item = np.zeros(table.num_rows, dtype=np.int32)
        wrong = {NO_USER: _missing(table, USER_ID)}
        if ITEM_ID in table.column_names:
            item = self.asker.dataset.items.indices(table.column(ITEM_ID))
            wrong |= {NO_ITEM: _missing(table, ITEM_ID), UNKNOWN_ITEM: item == UNKNOWN}
        time: Int64Array | None = None
        if TIMESTAMP in table.column_names:
            time = table.column(TIMESTAMP).cast(pa.timestamp("us")).cast(pa.int64()).fill_null(0).to_numpy()
            wrong |= {NO_TIME: _missing(table, TIMESTAMP), BEYOND: self.asker.is_beyond(time)}
        wrong[NOT_GIVEN] = ~self.asker.answerable(user, item, time)
        code = np.zeros(table.num_rows, dtype=np.uint8)
        for reason, rows in wrong.items():
            code[rows & (code == 0)] = REASONS.index(reason) + 1
        kept = np.flatnonzero(code == 0)
        self.new_shoppers += int((user[kept] == UNKNOWN).sum())
        if time is not None:
            time = time[kept]
            self.after_log += int((time > self.asker.log_ends).sum())
        ids = table.drop_columns([ROW]).take(kept)
        return Block(ids, user[kept], item[kept], time, table.num_rows, self._rejected(table, code))

    def _rejected(self, table: pa.Table, code: UInt8Array) -> pa.Table:
        """The rows with a reason (codes uint8 [n], 0 is none), which is counted and written beside them."""
        import pyarrow as pa

        rows = np.flatnonzero(code)
        rejected = table.take(rows)
        for place, reason in enumerate(REASONS, 1):
            self.rejected.add(reason, rejected.column(ROW).to_numpy()[code[rows] == place])
        return rejected.append_column(REASON, pa.array([REASONS[place - 1] for place in code[rows]], pa.string()))


@dataclass(frozen=True)
class Crossed:
    """All shoppers with all items, shopper by shopper; where an event is given, those pairs of them that had it.

    Attributes:
        asker: Whom they are asked.
        users: int32; indices.
        items: int32; indices, or empty where the predictor is of shoppers.
    """

    asker: Asker
    users: Int32Array
    items: Int32Array

    @cached_property
    def given(self) -> tuple[Int32Array, Int32Array] | None:
        """The pairs where an event is given, int32 [n] each; None where all are asked about."""
        return self.asker.given_pairs(self.users, self.items)

    @property
    def left_out(self) -> int:
        """How many pairs are left out, since what is given did not happen."""
        return len(self.users) * max(1, len(self.items)) - len(self)

    def __len__(self) -> int:
        return len(self.users) * max(1, len(self.items)) if self.given is None else len(self.given[0])

    def __iter__(self) -> Iterator[Block]:
        """The blocks."""
        import pyarrow as pa

        n_items = max(1, len(self.items))
        dataset = self.asker.dataset
        for start in range(0, len(self), BLOCK):
            pair = np.arange(start, min(start + BLOCK, len(self)))
            if self.given is not None:
                user, item = (side[pair] for side in self.given)
            else:
                user = self.users[pair // n_items]
                item = self.items[pair % n_items] if len(self.items) else np.zeros(len(pair), dtype=np.int32)
            columns = {USER_ID: dataset.users.arrow.take(user.astype(np.int64) - 1)}
            if len(self.items):
                columns[ITEM_ID] = dataset.items.arrow.take(item.astype(np.int64) - 1)
            yield Block(pa.table(columns), user, item, None, len(pair))


def _missing(table: pa.Table, name: str) -> BoolArray:
    values: BoolArray = table.column(name).is_null().to_numpy()
    return values


def _of_kind(value: Any, name: str, vocabulary: Vocabulary) -> Any:
    """A column of ids as the log has them; digits may be text in the log and numbers in a file.

    Raises:
        DataError: The log has integers and the file other text.
    """
    if not vocabulary.is_integer:
        return value.cast("string")
    if not value.type().is_integer():
        raise DataError(f"{name} of the file is of another kind than in the log", expected="integers", got="text")
    return value

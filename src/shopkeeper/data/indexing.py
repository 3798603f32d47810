"""From rows with the shop's ids to arrays of integers, in three passes over the source.

The distinct shoppers and the distinct items are numbered in ascending order of their ids (one pass each); a third pass
joins the numbers to the rows and fills NumPy arrays batch by batch. Text never stands in memory for more than a batch,
beside one copy of each distinct id. The expressions are Ibis; what comes after them is integers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from shopkeeper.data import schema
from shopkeeper.data.cleaning.log import NO_TIME, Log
from shopkeeper.data.schema import EVENT_TYPES
from shopkeeper.errors import DataError
from shopkeeper.types import BoolArray, Int32Array

if TYPE_CHECKING:
    import pyarrow as pa

BATCH: Final = 1 << 18
DTYPES: Final = {
    "user": np.int32, "item": np.int32, "event_type": np.uint8, "time": np.int64, "quantity": np.float32,
    "price": np.float64, "session": np.int32, "placement": np.int32,
}  # fmt: skip
_names = count(1)


@dataclass(frozen=True)
class IndexedEvents:
    """Every row of the source as integers, in any order.

    Attributes:
        log: The rows.
        users: Ids of users; the user of number u is at place u - 1.
        items: Ids of items.
        placements: Names of placements, or None where the source has none.
    """

    log: Log
    users: pa.Array
    items: pa.Array
    placements: pa.Array | None = None


@dataclass(frozen=True)
class _Numbered:
    """A temporary table of distinct keys with their numbers from 1."""

    table: Any
    keys: Sequence[str]
    number: str

    def ids(self) -> pa.Array:
        """The keys in the order of their numbers."""
        return self.table.order_by(self.number)[self.keys[0]].to_pyarrow().combine_chunks()


def index_events(table: Any) -> IndexedEvents:
    """Reads a log into arrays.

    Args:
        table: Ibis table of events, see `Events.table`.

    Returns:
        The rows as integers.

    Raises:
        DataError: There is no row, or the source changed while it was read.
    """
    import ibis

    n_rows = int(table.count().to_pyarrow().as_py())
    if n_rows == 0:
        raise DataError("the log is empty", expected="at least one event", remedy="check the source and its filters")
    backend = ibis.get_backend(table)
    with _any_order(backend), _temporary(backend) as create:
        users = _number(table, [schema.USER_ID], create)
        items = _number(table, [schema.ITEM_ID], create)
        tables = {"user": users, "item": items}
        if schema.SESSION_ID in table.columns:
            tables["session"] = _number(table, [schema.USER_ID, schema.SESSION_ID], create)
        placements = _number(table, [schema.PLACEMENT], create) if schema.PLACEMENT in table.columns else None
        if placements is not None:
            tables["placement"] = placements
        log = Log(**_fill(backend, _coded(table, tables, n_rows), n_rows))
        return IndexedEvents(log, users.ids(), items.ids(), None if placements is None else placements.ids())


def number_sessions(session: Int32Array) -> Int32Array:
    """Sessions numbered from 0 in the order in which they appear; an event of no known session (0) is one alone."""
    places = np.arange(len(session))
    alone = session == 0
    known = np.where(alone, int(session.max(initial=0)) + np.cumsum(alone), session)
    first = np.zeros(int(known.max(initial=0)) + 1, dtype=np.int64)
    first[known[::-1]] = places[::-1]
    begins: BoolArray = first[known] == places
    numbers: Int32Array = (np.cumsum(begins) - 1)[first[known]].astype(np.int32)
    return numbers


def _number(table: Any, keys: Sequence[str], create: Any) -> _Numbered:
    import ibis

    name = f"number_of_{keys[-1]}"
    known = table.filter([table[key].notnull() for key in keys]).select(*keys).distinct()
    numbers = (ibis.row_number().over(order_by=[known[key] for key in keys]) + 1).cast("int32")
    renamed = [f"key_of_{name}_{place}" for place in range(len(keys))]
    named = {new: known[key] for new, key in zip(renamed, keys, strict=True)}
    return _Numbered(create(known.select(**named, **{name: numbers})), renamed, name)


def _coded(table: Any, tables: Mapping[str, _Numbered], n_rows: int) -> Any:
    """The expression of all columns of the log."""
    row_type = "int32" if n_rows < 2**31 else "int64"
    ids = {
        "user": [schema.USER_ID], "item": [schema.ITEM_ID], "session": [schema.USER_ID, schema.SESSION_ID],
        "placement": [schema.PLACEMENT],
    }  # fmt: skip
    codes = [(event_type.value, event_type.code) for event_type in EVENT_TYPES]
    wide = table.mutate(code_of_type=table[schema.EVENT_TYPE].cases(*codes, else_=0).cast("uint8"))
    for name, numbered in tables.items():
        wide = wide.left_join(numbered.table, list(zip(ids[name], numbered.keys, strict=True)))
    values = {name: wide[numbered.number] for name, numbered in tables.items()}
    for name in (schema.QUANTITY, schema.PRICE):
        if name in table.columns:
            values[name] = wide[name].cast("float64" if name == schema.PRICE else "float32")
    return wide.select(
        event_type=wide.code_of_type, time=wide[schema.TIMESTAMP], row=wide[schema.ROW].cast(row_type), **values
    )


def _fill(backend: Any, coded: Any, n_rows: int) -> dict[str, NDArray[Any]]:
    """Runs the expression; arrays by column name. Untouched pages of an array cost no memory until they are filled."""
    dtypes = DTYPES | {"row": np.dtype(coded["row"].type().to_numpy())}
    columns = {name: np.empty(n_rows, dtype=dtypes[name]) for name in coded.columns}
    filled = 0
    for batch in backend.to_pyarrow_batches(coded, chunk_size=BATCH):
        end = filled + batch.num_rows
        if end <= n_rows:
            for name, column in columns.items():
                column[filled:end] = _to_numpy(batch.column(name))
        filled = end
    if filled != n_rows:
        raise DataError("the source changed while it was read", expected=f"{n_rows} rows", got=str(filled))
    return columns


def _to_numpy(values: pa.Array) -> NDArray[Any]:
    """Numbers of a column; a missing one is 0, a missing time `NO_TIME`, a missing float NaN."""
    import pyarrow as pa

    missing: float = 0
    if pa.types.is_timestamp(values.type):
        values, missing = values.cast(pa.timestamp("us")).cast(pa.int64()), NO_TIME
    elif pa.types.is_floating(values.type):
        missing = np.nan
    array: NDArray[Any] = (values.fill_null(missing) if values.null_count else values).to_numpy(zero_copy_only=False)
    return array


@contextmanager
def _temporary(backend: Any) -> Iterator[Any]:
    """A function that stores an expression as a temporary table; all of them are dropped in the end."""
    made: list[str] = []

    def create(expression: Any) -> Any:
        name = f"shopkeeper_index_{next(_names)}"
        made.append(name)
        return backend.create_table(name, expression, temp=True)

    try:
        yield create
    finally:
        for name in made:
            backend.drop_table(name, force=True)


@contextmanager
def _any_order(backend: Any) -> Iterator[None]:
    """Lets DuckDB give rows in any order, which takes less memory: each row knows its number.

    Afterwards DuckDB gives memory back that it keeps for later: setting its limit anew, to the same, makes it.
    """
    if backend.name != "duckdb":
        yield
        return
    backend.raw_sql("SET preserve_insertion_order = false")
    try:
        yield
    finally:
        backend.raw_sql("SET preserve_insertion_order = true")
        limit = backend.con.sql("SELECT current_setting('memory_limit')").fetchall()[0][0]
        backend.raw_sql(f"SET memory_limit = '{limit}'")

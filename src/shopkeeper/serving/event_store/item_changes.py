"""Changes of items in the event store: what was said of an item since the bundle, and by whom its text was encoded.

A change names the columns of the catalog that it sets; what it does not name stays. A change of which every column was
set again by later ones is deleted, so that the table does not grow with the number of changes but with that of items;
the last vector of an item stays until another comes, since a text that is said again is not encoded again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select

from shopkeeper.data import schema
from shopkeeper.serving.event_store.rows import id_text
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.event_store.tables import item_changes
from shopkeeper.types import Id

REMOVED: Final = "removed"
"""Beside the columns of the catalog: whether the item was taken out of the shop; a name that no attribute may have."""
VECTOR: Final = None
"""Stands for the vector where columns are counted; no column has this name."""
AT_ONCE: Final = 1000
"""Ids in one question, below what either database takes."""


class ItemChange(NamedTuple):
    """What was said of one item."""

    item_id: Id
    timestamp: int
    """Unix microseconds, UTC."""
    facts: Mapping[str, Any]
    """Column of the catalog, or `REMOVED`, to its value: plain JSON; null where it is not known any more."""
    vector: bytes | None = None
    """float32 numbers of the encoded text, where it was encoded."""
    vector_of: bytes | None = None
    """`ItemEncoder.key` of that text."""


class StoredItemChange(NamedTuple):
    """A change with its place in the order of commits: a reader that saw number n has seen all below n."""

    number: int
    change: ItemChange


class ItemChanges:
    """The changes that an event store holds. Safe to use from many threads.

    Args:
        store: An open store.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store

    def add(
        self, changes: Sequence[ItemChange], is_over: Callable[[Mapping[str, Any]], bool] = lambda _: False
    ) -> list[int]:
        """Writes changes in one transaction; they are on the disk when this returns.

        Args:
            changes: Any number; those of one item count in their order.
            is_over: Which facts are never served, since they bring too much: they are deleted with their item.

        Returns:
            The number of each.

        Raises:
            DataError: An id is not of the shop's kind; nothing is written.
            StoreError: The database refuses; nothing is written, or it is not known whether it was.
        """
        integer = self._store.kinds.item_integer
        rows = [
            {
                schema.ITEM_ID: id_text(change.item_id, integer, schema.ITEM_ID),
                schema.TIMESTAMP: change.timestamp,
                "facts": json.dumps(dict(change.facts), ensure_ascii=False, allow_nan=False),
                "vector": change.vector,
                "vector_of": change.vector_of,
            }
            for change in changes
        ]
        if not rows:
            return []
        adding = insert(item_changes).returning(item_changes.c.number, sort_by_parameter_order=True)
        with self._store.writing() as connection:
            numbers = list(connection.execute(adding, rows).scalars())
            _delete_superseded(connection, {str(row[schema.ITEM_ID]) for row in rows}, is_over)
        return numbers

    def after(self, number: int, limit: int) -> list[StoredItemChange]:
        """Changes of higher numbers, ascending. Nothing below the last one can appear later."""
        table = item_changes.c
        query = select(item_changes).where(table.number > number).order_by(table.number).limit(limit)
        reads = int if self._store.kinds.item_integer else str
        with self._store.reading() as connection:
            return [
                StoredItemChange(
                    row.number,
                    ItemChange(reads(row.item_id), row.timestamp, json.loads(row.facts), row.vector, row.vector_of),
                )
                for row in connection.execute(query)
            ]

    def every(self, page: int = 10_000, since: int = 0) -> Iterator[StoredItemChange]:
        """All changes after a number, ascending, read in pages."""
        number = since
        while found := self.after(number, page):
            yield from found
            number = found[-1].number

    def last(self) -> int:
        """The highest number, 0 where there is none."""
        with self._store.reading() as connection:
            return connection.execute(select(func.max(item_changes.c.number))).scalar() or 0


def _delete_superseded(
    connection: Connection, items: Collection[str], is_over: Callable[[Mapping[str, Any]], bool]
) -> None:
    table = item_changes.c
    for ids in _parts(sorted(items)):
        query = select(table.number, table.item_id, table.facts, table.vector_of).where(table.item_id.in_(ids))
        later: dict[str, set[str | None]] = {}
        removed: set[str] = set()
        gone = []
        for number, item_id, facts, vector_of in connection.execute(query.order_by(table.number.desc())).fetchall():
            said = json.loads(facts)
            names: set[str | None] = {*said, *([] if vector_of is None else [VECTOR])}
            if item_id in later and (names <= later[item_id] or (item_id in removed and is_over(said))):
                gone.append(number)
            if said.get(REMOVED):
                removed.add(item_id)
            later.setdefault(item_id, set()).update(names)
        for numbers in _parts(gone):
            connection.execute(delete(item_changes).where(table.number.in_(numbers)))


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]

"""The log to learn from: what was known before, without forgotten shoppers, and all events of the store.

An event that both hold is the same where shopper, item, type and time agree; the store's row stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from shopkeeper.data import schema
from shopkeeper.data.engine import open_engine, reading
from shopkeeper.data.schema import EVENT_COLUMNS
from shopkeeper.errors import DataError
from shopkeeper.serving.event_store.records import user_digest
from shopkeeper.serving.event_store.store import EventStore

if TYPE_CHECKING:
    from shopkeeper.data.catalog import Catalog

KEYS: Final = (schema.USER_ID, schema.ITEM_ID, schema.EVENT_TYPE, schema.TIMESTAMP)
MOMENT: Final = "timestamp('UTC', 6)"


@dataclass(frozen=True)
class Combined:
    """How many rows came from where.

    Attributes:
        earlier: Rows of what was known before.
        forgotten: Rows of it that are left out since their shopper was forgotten.
        shared: Rows of it that the store has too.
        exported: Rows of the store.
        new: Rows of the store that were not known before.
        known_items: Share of the new rows whose item was known before or is in the catalog; 0 without new rows.
        known_shoppers: Share of the new rows whose shopper was known before.
    """

    earlier: int
    forgotten: int
    shared: int
    exported: int
    new: int
    known_items: float
    known_shoppers: float


def combine(earlier: Path, export: Path, store: EventStore, catalog: Catalog | None, out: Path) -> Combined:
    """Writes the combined log as one Parquet file.

    Args:
        earlier: What was known before, Parquet with canonical columns.
        export: What `export_events` wrote.
        store: Tells who was forgotten.
        catalog: Its items count as known.
        out: The log.

    Raises:
        DataError: A file is damaged, or ids are of different kinds.
    """
    import pyarrow as pa

    engine = open_engine()
    with reading(f"{earlier.name} and {export.name}"):
        before, after = _read(engine, earlier), _read(engine, export)
        _refuse_other_kinds(before, after)
        n_earlier = _count(before)
        forgotten = engine.create_table(
            "forgotten", pa.table({"id": pa.array(list(_forgotten(before, store)), _arrow_type(before))}), temp=True
        )
        before = before.anti_join(forgotten, before[schema.USER_ID] == forgotten["id"])
        n_remembered = _count(before)
        unshared, new = before.anti_join(after, KEYS), after.anti_join(before, KEYS)
        n_unshared, n_new = _count(unshared), _count(new)
        shares = {
            name: _count(new.semi_join(known, name)) / n_new if n_new else 0.0
            for name, known in ((schema.ITEM_ID, _known_items(engine, before, catalog)), (schema.USER_ID, before))
        }
        unshared.union(after).to_parquet(out)
        return Combined(
            earlier=n_earlier,
            forgotten=n_earlier - n_remembered,
            shared=n_remembered - n_unshared,
            exported=_count(after),
            new=n_new,
            known_items=shares[schema.ITEM_ID],
            known_shoppers=shares[schema.USER_ID],
        )


def _read(engine: Any, file: Path) -> Any:
    """All canonical columns, null where the file has none."""
    import ibis

    table = engine.read_parquet(file)
    types = {schema.QUANTITY: "float64", schema.PRICE: "float64", schema.POSITION: "int64"}
    types |= dict.fromkeys((schema.SESSION_ID, schema.PLACEMENT, schema.RECOMMENDATION_ID), "string")
    columns = {
        name: table[name].cast(types[name]) if name in table.columns else ibis.null(types[name])
        for name in EVENT_COLUMNS
        if name in types
    }
    ids = {name: table[name] for name in (schema.USER_ID, schema.ITEM_ID, schema.EVENT_TYPE)}
    return table.select(**ids, **{schema.TIMESTAMP: table[schema.TIMESTAMP].cast(MOMENT)}, **columns)


def _count(table: Any) -> int:
    return int(table.count().to_pyarrow().as_py())


def _refuse_other_kinds(before: Any, after: Any) -> None:
    for name in (schema.USER_ID, schema.ITEM_ID):
        if before[name].type() != after[name].type():
            raise DataError(
                f"{name} of the earlier log is of another kind than in the event store",
                expected=str(after[name].type()),
                got=str(before[name].type()),
                remedy="give a log with the ids that the service uses",
            )


def _arrow_type(before: Any) -> Any:
    import pyarrow as pa

    return pa.int64() if before[schema.USER_ID].type().is_integer() else pa.string()


def _forgotten(before: Any, store: EventStore) -> Iterator[Any]:
    """Ids of the earlier log whose shopper was forgotten."""
    digests = {deletion.user_digest for deletion in store.deletions_after(0)}
    if not digests:
        return
    for user_id in before.select(schema.USER_ID).distinct().to_pyarrow().column(0).to_pylist():
        if user_digest(store.store_id, user_id) in digests:
            yield user_id


def _known_items(engine: Any, before: Any, catalog: Catalog | None) -> Any:
    items = before.select(schema.ITEM_ID).distinct()
    if catalog is None:
        return items
    listed = engine.create_table("listed", catalog.table.select([schema.ITEM_ID]), temp=True)
    return items.union(listed.select(listed[schema.ITEM_ID].cast(items[schema.ITEM_ID].type())))

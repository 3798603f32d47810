"""The log to learn from: what was known before, without forgotten shoppers, and all events of the store.

An event that both hold is the same where shopper, item, type and time agree; the store's row stays.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from shopkeeper.data import schema
from shopkeeper.data.engine import open_engine, reading
from shopkeeper.data.schema import EVENT_COLUMNS
from shopkeeper.errors import DataError
from shopkeeper.jobs.retrain.settings import RetrainSettings
from shopkeeper.serving.event_store.records import user_digest
from shopkeeper.serving.event_store.store import EventStore

if TYPE_CHECKING:
    from shopkeeper.data.catalog import Catalog

KEYS: Final = (schema.USER_ID, schema.ITEM_ID, schema.EVENT_TYPE, schema.TIMESTAMP)
MOMENT: Final = "timestamp('UTC', 6)"
MAX_EXAMPLES: Final = 3
"""Items that are named where some are lost."""


@dataclass(frozen=True)
class Combined:
    """How many rows came from where.

    Attributes:
        earlier: Rows of what was known before.
        forgotten: Rows of it that are left out since their shopper was forgotten.
        aged: Rows of it that are left out since they are too old.
        shared: Rows of it that the store has too.
        exported: Rows of the store.
        new: Rows of the store that were not known before.
        known_items: Share of the new rows whose item was known before or is in the catalog; 0 without new rows. Of each
            user count so many rows as the settings say.
        known_shoppers: Share of the same rows whose shopper was known before.
        lost: What the running bundle knows and this log has not.
    """

    earlier: int
    forgotten: int
    aged: int
    shared: int
    exported: int
    new: int
    known_items: float
    known_shoppers: float
    lost: Lost


@dataclass(frozen=True)
class Lost:
    """What a log lacks of an earlier one, users who asked to be forgotten not counted.

    Attributes:
        events: Number of its events.
        users: Number of its users without any event.
        items: Number of its items without any event.
        examples: Some of these items, as text.
    """

    events: int = 0
    users: int = 0
    items: int = 0
    examples: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.events or self.users or self.items)

    def __str__(self) -> str:
        named = f" ({', '.join(self.examples)}{' ...' if self.items > len(self.examples) else ''})"
        items = f"{self.items:,} items{named if self.examples else ''}"
        return f"{self.events:,} events, {items} and {self.users:,} users are not in it"


@dataclass(frozen=True)
class Sources:
    """Files with rows of events, Parquet with canonical columns.

    Attributes:
        earlier: What was known before the store.
        export: What `export_events` wrote.
        known: What the running bundle knows; it may be `earlier` itself.
        deletions_seen: Deletions of the store up to this one were made before the rows of `earlier` were written.
    """

    earlier: Path
    export: Path
    known: Path
    deletions_seen: int = 0


def combine(
    sources: Sources, store: EventStore, catalog: Catalog | None, out: Path, settings: RetrainSettings | None = None
) -> Combined:
    """Writes the combined log as one Parquet file.

    Args:
        sources: What it is made of.
        store: Tells who was forgotten.
        catalog: Its items count as known.
        out: The log.
        settings: How old events may be, and how many of one user count; None takes the defaults.

    Raises:
        DataError: A file is damaged, or ids are of different kinds.
    """
    settings = settings or RetrainSettings()
    engine = open_engine()
    with reading(f"{sources.earlier.name} and {sources.export.name}"):
        before, after = _read(engine, sources.earlier), _read(engine, sources.export)
        _refuse_other_kinds(before, after)
        n_earlier = _count(before)
        before = _without_forgotten(engine, before, store, sources.deletions_seen)
        n_remembered, n_exported = _count(before), _count(after)
        oldest = _oldest(before, after, settings.max_age_days)
        known, before, after = before, _since(before, oldest), _since(after, oldest)
        n_young = _count(before)
        unshared, new = before.anti_join(after, KEYS), after.anti_join(before, KEYS)
        n_unshared, n_new = _count(unshared), _count(new)
        some = _some_of_each(new, settings.max_events_a_user)
        n_some = _count(some)
        shares = {
            name: _count(some.semi_join(those, name)) / n_some if n_some else 0.0
            for name, those in ((schema.ITEM_ID, _known_items(engine, known, catalog)), (schema.USER_ID, known))
        }
        unshared.union(after).to_parquet(out)
        return Combined(
            earlier=n_earlier,
            forgotten=n_earlier - n_remembered,
            aged=n_remembered - n_young,
            shared=n_young - n_unshared,
            exported=n_exported,
            new=n_new,
            known_items=shares[schema.ITEM_ID],
            known_shoppers=shares[schema.USER_ID],
            lost=Lost() if sources.known == sources.earlier else _lost(engine, sources, store, out, oldest),
        )


def _oldest(before: Any, after: Any, max_age_days: float | None) -> Any:
    """The moment of the oldest event that is learned from; None where age does not matter."""
    import ibis

    if max_age_days is None:
        return None
    newest = before.union(after)[schema.TIMESTAMP].max()
    return newest - ibis.interval(seconds=round(max_age_days * 86_400))


def _since(rows: Any, oldest: Any) -> Any:
    return rows if oldest is None else rows.filter(rows[schema.TIMESTAMP] >= oldest.as_scalar())


def _some_of_each(rows: Any, of_one_user: int) -> Any:
    """The oldest rows of each user."""
    import ibis

    window = ibis.window(group_by=schema.USER_ID, order_by=[schema.TIMESTAMP, schema.ITEM_ID])
    return rows.mutate(place=ibis.row_number().over(window)).filter(ibis._.place < of_one_user).drop("place")


def _lost(engine: Any, sources: Sources, store: EventStore, log: Path, oldest: Any) -> Lost:
    """What the running bundle knows and the log has not, though it is not too old."""
    known, found = _read(engine, sources.known), _read(engine, log)
    known = _since(_without_forgotten(engine, known, store, 0), oldest)
    items = known.anti_join(found, schema.ITEM_ID).select(schema.ITEM_ID).distinct()
    users = known.anti_join(found, schema.USER_ID).select(schema.USER_ID).distinct()
    some = items.order_by(schema.ITEM_ID).limit(MAX_EXAMPLES).to_pyarrow().column(0).to_pylist()
    return Lost(_count(known.anti_join(found, KEYS)), _count(users), _count(items), tuple(map(str, some)))


def _without_forgotten(engine: Any, rows: Any, store: EventStore, seen: int) -> Any:
    """Rows of users who did not ask to be forgotten after so many deletions."""
    import pyarrow as pa

    ids = pa.table({"id": pa.array(list(_forgotten(rows, store, seen)), _arrow_type(rows))})
    forgotten = engine.create_table(f"forgotten_{uuid.uuid4().hex}", ids, temp=True)
    return rows.anti_join(forgotten, rows[schema.USER_ID] == forgotten["id"])


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


def _forgotten(before: Any, store: EventStore, seen: int) -> Iterator[Any]:
    """Ids of rows whose shopper was forgotten after so many deletions."""
    digests = {deletion.user_digest for deletion in store.deletions_after(seen)}
    if not digests:
        return
    for user_id in before.select(schema.USER_ID).distinct().to_pyarrow().column(0).to_pylist():
        if user_digest(store.store_id, user_id) in digests:
            yield user_id


def _known_items(engine: Any, before: Any, catalog: Catalog | None) -> Any:
    items = before.select(schema.ITEM_ID).distinct()
    if catalog is None:
        return items
    listed = engine.create_table(f"listed_{uuid.uuid4().hex}", catalog.table.select([schema.ITEM_ID]), temp=True)
    return items.union(listed.select(listed[schema.ITEM_ID].cast(items[schema.ITEM_ID].type())))

"""Rows of the catalog as they are after changes: what was said later than the bundle, over what its catalog knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from shopkeeper.data import schema
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.categories import CategoryFormat, CategoryNames
from shopkeeper.serving.event_store.item_changes import REMOVED
from shopkeeper.serving.live_items.states import ItemState, Known
from shopkeeper.types import Id

if TYPE_CHECKING:
    import pyarrow as pa

FACTS: Final = (schema.TITLE, schema.DESCRIPTION, schema.BRAND, schema.CATEGORY, schema.PRICE,
                schema.CURRENCY, schema.IMAGE, schema.AVAILABLE)  # fmt: skip
"""Columns of the catalog that a change may name beside attributes of the shop's own."""


class CatalogRows:
    """The rows of a bundle's catalog, found by id.

    Args:
        catalog: None where there is none.
        integer: Whether ids are integers; a feed may have written numbers where the log has texts.
    """

    def __init__(self, catalog: Catalog | None, integer: bool) -> None:
        import pyarrow as pa

        self.catalog = _with_ids(catalog, integer)
        self.id_type: pa.DataType = pa.int64() if integer else pa.large_string()
        listed = [] if self.catalog is None else self.catalog.table.column(schema.ITEM_ID).to_pylist()
        self._places: dict[Id, int] = {item_id: place for place, item_id in enumerate(listed)}

    def __contains__(self, item_id: Id) -> bool:
        return item_id in self._places

    def __iter__(self) -> Iterator[Id]:
        return iter(self._places)

    @cached_property
    def category_names(self) -> CategoryNames:
        """The categories of the catalog; none where there is no catalog."""
        import pyarrow.compute as pc

        table = None if self.catalog is None else self.catalog.table
        known = table is not None and schema.CATEGORY in table.column_names
        paths = pc.unique(table.column(schema.CATEGORY)).drop_null().to_pylist() if table is not None and known else []
        return CategoryNames(paths, CategoryFormat.of(table))

    def of(self, states: Sequence[ItemState]) -> pa.Table | None:
        """Rows of items in their order, null where the catalog does not know one; None without a catalog."""
        import pyarrow as pa

        if self.catalog is None:
            return None
        places = [self._places.get(state.item_id) for state in states]
        return self.catalog.table.take(pa.array(places, pa.int64()))


def changed_rows(
    known_rows: CatalogRows, states: Sequence[ItemState], known: Known, like: pa.Schema | None = None
) -> Catalog:
    """The whole rows of items that changed.

    Args:
        known_rows: Of the bundle.
        states: At least one; of distinct items.
        known: What the bundle's catalog is later than. Of that only what it leaves open is taken.
        like: Types of columns that the catalog lacks, from rows that were made before.

    Returns:
        One row a state, in their order, with the columns of the catalog and those that were named; a removed item is
        not available.
    """
    import pyarrow as pa

    before = known_rows.of(states)
    types = {field.name: field.type for table in (like, None if before is None else before.schema)
             for field in table or ()}  # fmt: skip
    names = dict.fromkeys([] if before is None else before.column_names)
    names |= dict.fromkeys(name for state in states for name in state.facts if name != REMOVED)
    names |= dict.fromkeys([schema.AVAILABLE] if any(state.removed for state in states) else [])
    names.pop(schema.ITEM_ID, None)
    ids = pa.array([state.item_id for state in states], types.get(schema.ITEM_ID, known_rows.id_type))
    columns: dict[str, Any] = {schema.ITEM_ID: ids}
    for name in names:
        old = before.column(name).to_pylist() if before is not None and name in before.column_names else None
        values = _values(name, old or [None] * len(states), states, known)
        if name == schema.CATEGORY:
            values = [known_rows.category_names.written(value) for value in values]
        columns[name] = _typed(values, types.get(name) or _type_of(name, values))
    return Catalog(pa.table(columns))


def _values(name: str, old: Sequence[Any], states: Sequence[ItemState], known: Known) -> list[Any]:
    """One column of the rows."""
    values = list(old)
    for place, state in enumerate(states):
        said = state.facts.get(name)
        if said is not None and (values[place] is None or not known.holds(said)):
            values[place] = said.value
        if name == schema.AVAILABLE and state.removed:
            values[place] = False
    return values


def _type_of(name: str, values: Sequence[Any]) -> pa.DataType:
    import pyarrow as pa

    if name == schema.PRICE:
        return pa.float64()
    if name == schema.AVAILABLE:
        return pa.bool_()
    given = [value for value in values if value is not None]
    if name not in FACTS and given:
        if all(isinstance(value, bool) for value in given):
            return pa.bool_()
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in given):
            return pa.float64()
    return pa.string()


def _typed(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Values of a type; what cannot be one is null."""
    import pyarrow as pa

    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.concat_arrays([_one(value, kind) for value in values])


def _one(value: Any, kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    try:
        return pa.array([str(value) if text and value is not None else value], kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.nulls(1, kind)


def _with_ids(catalog: Catalog | None, integer: bool) -> Catalog | None:
    """A catalog with ids of a kind; None where they cannot be of it."""
    import pyarrow as pa

    if catalog is None or pa.types.is_integer(catalog.table.schema.field(schema.ITEM_ID).type) == integer:
        return catalog
    place = catalog.table.column_names.index(schema.ITEM_ID)
    try:
        ids = catalog.table.column(schema.ITEM_ID).cast(pa.int64() if integer else pa.large_string())
    except pa.ArrowInvalid:  # then not one of its items is in the log
        return None
    return Catalog(catalog.table.set_column(place, schema.ITEM_ID, ids), catalog.facts)

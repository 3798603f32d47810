"""Rows of the catalog as they are after changes: what was said later than the bundle, over what its catalog knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from shopkeeper.data import schema
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.serving.event_store.item_changes import REMOVED
from shopkeeper.serving.live_items.states import ItemState, Known

if TYPE_CHECKING:
    import pyarrow as pa

FACTS: Final = (schema.TITLE, schema.DESCRIPTION, schema.BRAND, schema.CATEGORY, schema.PRICE, schema.IMAGE,
                schema.AVAILABLE)  # fmt: skip
"""Columns of the catalog that a change may name beside attributes of the shop's own."""


def changed_rows(
    catalog: Catalog | None, states: Sequence[ItemState], known: Known, like: pa.Schema | None = None
) -> Catalog:
    """The whole rows of items that changed.

    Args:
        catalog: Of the bundle; None where it has none.
        states: At least one; of distinct items.
        known: What the catalog is later than. Of that only what it leaves open is taken.
        like: Types of columns that the catalog lacks, from rows that were made before.

    Returns:
        One row a state, in their order, with the columns of the catalog and those that were named; a removed item is
        not available.
    """
    import pyarrow as pa

    items = Vocabulary([state.item_id for state in states])
    places = [items.index(state.item_id) - 1 for state in states]
    before = None if catalog is None else catalog.aligned(items).take(places)
    types = {field.name: field.type for table in (like, before and before.schema) for field in table or ()}
    ids = items.arrow.take(pa.array(places))
    names = dict.fromkeys([] if before is None else before.column_names)
    names |= dict.fromkeys(name for state in states for name in state.facts if name != REMOVED)
    names |= dict.fromkeys([schema.AVAILABLE] if any(state.removed for state in states) else [])
    names.pop(schema.ITEM_ID, None)
    columns: dict[str, Any] = {schema.ITEM_ID: ids.cast(types.get(schema.ITEM_ID, ids.type))}
    for name in names:
        old = before.column(name).to_pylist() if before is not None and name in before.column_names else None
        values = _values(name, old or [None] * len(states), states, known)
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


def with_ids(catalog: Catalog | None, integer: bool) -> Catalog | None:
    """A catalog whose ids are of the kind of those of the log: a feed may have written numbers where that has texts."""
    import pyarrow as pa

    if catalog is None or pa.types.is_integer(catalog.table.schema.field(schema.ITEM_ID).type) == integer:
        return catalog
    place = catalog.table.column_names.index(schema.ITEM_ID)
    try:
        ids = catalog.table.column(schema.ITEM_ID).cast(pa.int64() if integer else pa.large_string())
    except pa.ArrowInvalid:  # not one of the items is in the log
        return None
    return Catalog(catalog.table.set_column(place, schema.ITEM_ID, ids), catalog.facts)

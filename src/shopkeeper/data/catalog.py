"""What is known of the items, by the shop's own ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.data import schema
from shopkeeper.data.categories import NOTHING, CategoryFormat, with_paths
from shopkeeper.data.columns import match_columns
from shopkeeper.data.engine import reading
from shopkeeper.data.events import number
from shopkeeper.data.ids import id_columns
from shopkeeper.data.schema import CATALOG_COLUMNS, CATEGORY_SEPARATOR, ITEM_ID, ROW
from shopkeeper.data.sources import SOURCE_PREFIX, SourceSettings, read_source
from shopkeeper.data.times import TimeSettings, timestamps
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError, choices
from shopkeeper.types import Id

if TYPE_CHECKING:
    import pyarrow as pa

    from shopkeeper.data.events import Events
    from shopkeeper.data.sources import Source

TEXTS: Final = (schema.TITLE, schema.DESCRIPTION, schema.BRAND, schema.IMAGE, schema.CURRENCY)
UNAVAILABLE: Final = ("0", "false", "no", "n", "f", "out of stock", "out_of_stock", "sold out", "unavailable", "none")
"""What an availability says, in lower case, when the item cannot be had; any other word says that it can."""


class CatalogSettings(Settings):
    """How a catalog is understood."""

    columns: dict[str, str] = Field(default_factory=dict)
    """Our column name to the source's, where the name or an alias does not say it; an empty name means none."""
    category_columns: tuple[str, ...] = ()
    """Columns of the source that are the steps of the category path, the widest first, in place of one column."""
    category_separator: str | None = None
    """Between the steps of a path in one column, such as "/"; None tells it from the values of the column. Steps in
    quotation marks and square brackets, as JSON writes a list, need none."""
    currency: str | None = None
    """Of the prices where no column says it: ``"EUR"``."""
    time: TimeSettings = TimeSettings()
    """How `created_at` is read."""
    source: SourceSettings = SourceSettings()
    """How the source is read."""


@dataclass(frozen=True)
class Catalog:
    """One row an item; canonical columns where known, any other column kept as an attribute.

    Attributes:
        table: Arrow table with `item_id` (int64 or large_string, distinct) and whatever else is known: `title`,
            `description`, `brand`, `image` (string), `category` (string, steps joined by " > "), `price` (float64),
            `currency` (string), `parent_id` (int64 or string), `available` (bool), `created_at` (timestamp, UTC),
            attributes of any type.
        facts: What was noticed while reading; plain JSON: `rows`, `missing_ids`, `duplicate_rows`, `duplicate_ids`
            (up to five), `source`.
    """

    table: pa.Table
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @staticmethod
    def read(source: Source, settings: CatalogSettings | None = None) -> Catalog:
        """Reads a catalog into memory.

        Args:
            source: A path, a database address or a table in memory; see `sources`.
            settings: How to understand it.

        Returns:
            The items, each once: the first row of an id stays. Rows without an id are left out and counted.

        Raises:
            DataError: The source cannot be read, has no item ids, or a column may be one of several.
            ConfigError: A setting is not valid.
        """
        settings = settings or CatalogSettings()
        opened = read_source(source, settings.source)
        mapping = dict(settings.columns) | ({schema.CATEGORY: ""} if settings.category_columns else {})
        columns = match_columns(opened.columns, mapping, CATALOG_COLUMNS, (ITEM_ID,), flag="--catalog-map")
        with reading(opened.name):
            values = _values(opened, columns, settings)
            rows = opened.table.order_by(ROW).select(**values).to_pyarrow()
        return _distinct(_with_categories(rows, opened, columns, settings), opened.name)

    @staticmethod
    def from_events(events: Events, columns: Mapping[str, str] | None = None) -> Catalog:
        """A catalog of what the log itself says of its items.

        Args:
            events: A log that was read with `Events.read`.
            columns: Catalog column to the source's column, such as ``{"title": "Description"}``; None takes
                `events.item_columns`.

        Returns:
            One row for each item of the log, with its most frequent value of each column (of two equally frequent,
            the first in the alphabet); null where it has none.

        Raises:
            DataError: The log has no such column, or is without its source columns.
        """
        columns = events.item_columns if columns is None else columns
        if events.detail is None:
            raise DataError("this log has no source columns", expected="events made by Events.read")
        prefixed = {ours: SOURCE_PREFIX + theirs for ours, theirs in columns.items()}
        wrong = next((name for name in prefixed.values() if name not in events.detail.columns), None)
        if wrong is not None:
            found = ", ".join(name.removeprefix(SOURCE_PREFIX) for name in events.detail.columns if "." in name)
            raise DataError(f"the log has no column {wrong.removeprefix(SOURCE_PREFIX)!r}", expected=found)
        with reading(events.source):
            table = events.table.filter(events.table[ITEM_ID].notnull()).select(ITEM_ID).distinct()
            for ours, name in prefixed.items():
                table = table.left_join(_most_frequent(events.detail, name, ours), ITEM_ID).drop(f"{ITEM_ID}_right")
            rows = table.order_by(ITEM_ID).to_pyarrow()
        return _distinct(with_paths(rows, CategoryFormat.told_by), events.source)

    @property
    def title_column(self) -> str | None:
        """The column that names an item for a reader: the title, else the description, else none."""
        return next((name for name in (schema.TITLE, schema.DESCRIPTION) if name in self.table.column_names), None)

    def updated(self, rows: Catalog) -> Catalog:
        """With these rows in the place of those of the same items, and behind the others where they are new.

        A column that one of both lacks is null there. Facts stay those of this catalog.

        Raises:
            DataError: Ids are of another kind, or a column is of a type that does not go with the one here.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        ids = rows.table.column(ITEM_ID).combine_chunks()
        try:
            replaced = pc.is_in(self.table.column(ITEM_ID), value_set=ids.cast(self.table.schema.field(ITEM_ID).type))
            parts = [self.table.filter(pc.invert(replaced)), rows.table]
            return Catalog(pa.concat_tables(parts, promote_options="permissive"), self.facts)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise DataError("new rows do not go with this catalog", got=str(error)) from error

    def titles(self, ids: Iterable[Id]) -> list[str | None]:
        """Titles of items, in the order asked; None where an item or its title is not known."""
        wanted = list(ids)
        if self.title_column is None:
            return [None] * len(wanted)
        titles: list[str | None] = self._at(wanted).column(self.title_column).to_pylist()
        return titles

    def aligned(self, vocabulary: Vocabulary) -> pa.Table:
        """The rows in the order of a vocabulary.

        Args:
            vocabulary: Item ids; the row of index i has the place i - 1.

        Returns:
            Table of `len(vocabulary)` rows and the columns of `table`; null, beside `item_id`, where the catalog
            does not know the item.
        """
        rows = self._at(vocabulary.arrow)
        place = rows.column_names.index(ITEM_ID)
        return rows.set_column(place, ITEM_ID, vocabulary.arrow)

    def _at(self, ids: Any) -> pa.Table:
        import pyarrow as pa
        import pyarrow.compute as pc

        known = self.table.column(ITEM_ID)
        try:
            wanted = pa.array(ids, known.type) if isinstance(ids, list) else ids.cast(known.type)
        except (pa.ArrowInvalid, pa.ArrowTypeError):  # ids of another kind: none is known
            wanted = pa.nulls(len(ids), known.type)
        return self.table.take(pc.index_in(wanted, value_set=known.combine_chunks()))


def _values(opened: Any, columns: Mapping[str, str], settings: CatalogSettings) -> dict[str, Any]:
    table, inside = opened.table, {ours: SOURCE_PREFIX + theirs for ours, theirs in columns.items()}
    ids = {ours: name for ours, name in inside.items() if ours in (ITEM_ID, schema.PARENT_ID)}
    values: dict[str, Any] = id_columns(table, ids, opened.all_text)
    values |= {ours: _text(table[name]) for ours, name in inside.items() if ours in TEXTS}
    if schema.CATEGORY in inside:
        values[schema.CATEGORY] = _category(table[inside[schema.CATEGORY]])
    if settings.category_columns:
        values[schema.CATEGORY] = _joined([table[name] for name in _known(opened, settings.category_columns)])
    if schema.PRICE in inside:
        values[schema.PRICE] = number(table[inside[schema.PRICE]])
        if settings.currency is not None:
            values[schema.CURRENCY] = _or(values.get(schema.CURRENCY), settings.currency)
    if schema.AVAILABLE in inside:
        values[schema.AVAILABLE] = _available(table[inside[schema.AVAILABLE]])
    if schema.CREATED_AT in inside:
        values[schema.CREATED_AT], _ = timestamps(table[inside[schema.CREATED_AT]], settings.time)
    ordered = {ours: values[ours] for ours in CATALOG_COLUMNS if ours in values}
    attributes = [name for name in opened.columns if name not in columns.values() and name not in ordered]
    return ordered | _attributes(table, attributes, opened.all_text)


def _text(value: Any) -> Any:
    """A text; null where it is empty or spells that there is none."""
    import ibis

    text = value.cast("string")
    return ibis.ifelse(text.isin(NOTHING), ibis.null("string"), text)


def _or(value: Any, text: str) -> Any:
    """A column of texts, or none, with a text where it is null."""
    import ibis

    return ibis.literal(text) if value is None else value.fill_null(text)


def _attributes(table: Any, names: list[str], all_text: bool) -> dict[str, Any]:
    """Other columns as they are; those of a CSV become numbers where every value is one."""
    values = {name: table[SOURCE_PREFIX + name] for name in names}
    if not all_text or not names:
        return values
    checks: dict[str, Any] = {}
    for name, value in values.items():
        known = value.notnull()
        exact = value.try_cast("int64").cast("string") == value
        checks[f"int64:{name}"] = exact.fill_null(False).all(where=known)
        checks[f"float64:{name}"] = value.try_cast("float64").notnull().all(where=known) & ~value.re_search(
            "^0[0-9]"
        ).any(where=known)
    facts = table.aggregate(**checks).to_pyarrow().to_pylist()[0]
    for name, value in values.items():
        kind = next((kind for kind in ("int64", "float64") if facts[f"{kind}:{name}"]), None)
        values[name] = value if kind is None else value.try_cast(kind)
    return values


def _category(value: Any) -> Any:
    """A path as it is written; a list, or the first of several, gives its elements as steps."""
    kind = value.type()
    if not kind.is_array():
        return value.cast("string")
    first = value[0] if kind.value_type.is_array() else value
    return first.cast("array<string>").join(CATEGORY_SEPARATOR)


def _with_categories(rows: pa.Table, opened: Any, columns: Mapping[str, str], settings: CatalogSettings) -> pa.Table:
    """The rows with categories in one writing."""
    named = columns.get(schema.CATEGORY)
    in_steps = named is None or opened.table[SOURCE_PREFIX + named].type().is_array()
    if in_steps or settings.category_columns:
        return with_paths(rows, lambda _: CategoryFormat(CATEGORY_SEPARATOR.strip()))
    if settings.category_separator is not None:
        separator = settings.category_separator.strip() or settings.category_separator
        return with_paths(rows, lambda _: CategoryFormat(separator))
    return with_paths(rows, CategoryFormat.told_by)


def _known(opened: Any, names: Iterable[str]) -> list[str]:
    for name in names:
        if name not in opened.columns:
            raise DataError(f"the catalog has no column {name!r}", expected=choices(name, opened.columns))
    return [SOURCE_PREFIX + name for name in names]


def _joined(steps: list[Any]) -> Any:
    import ibis

    texts = [step.cast("string").strip().nullif("") for step in steps]
    return ibis.literal(CATEGORY_SEPARATOR).join(texts).nullif("")


def _available(value: Any) -> Any:
    kind = value.type()
    if kind.is_boolean():
        return value
    if kind.is_numeric():
        return value > 0
    return ~value.cast("string").strip().lower().isin(UNAVAILABLE)


def _most_frequent(detail: Any, name: str, ours: str) -> Any:
    """A table of `item_id` and its most frequent value of a column."""
    import ibis

    texts = detail.select(ITEM_ID, _text(detail[name]).name(ours))
    counted = (
        texts.filter(texts[ITEM_ID].notnull() & texts[ours].notnull())
        .group_by([ITEM_ID, ours])
        .aggregate(n=lambda t: t.count())
    )
    window = ibis.window(group_by=ITEM_ID, order_by=[ibis.desc("n"), ours])
    ranked = counted.mutate(place=ibis.row_number().over(window))
    return ranked.filter(ranked.place == 0).select(ITEM_ID, ours)


def _distinct(rows: pa.Table, source: str) -> Catalog:
    """Each id once (its first row), missing ids left out, counted."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = rows.column(ITEM_ID)
    if not pa.types.is_integer(ids.type):
        rows = rows.set_column(rows.column_names.index(ITEM_ID), ITEM_ID, ids.cast(pa.large_string()))
    known = rows.filter(pc.is_valid(rows.column(ITEM_ID)))
    numbered = pa.table({ITEM_ID: known.column(ITEM_ID), "place": pa.array(range(known.num_rows), pa.int64())})
    first = numbered.group_by(ITEM_ID).aggregate([("place", "min"), ("place", "count")])
    repeated = first.filter(pc.greater(first.column("place_count"), 1))
    facts = {
        "source": source,
        "rows": rows.num_rows,
        "missing_ids": rows.num_rows - known.num_rows,
        "duplicate_rows": known.num_rows - first.num_rows,
        "duplicate_ids": repeated.column(ITEM_ID)[:5].to_pylist(),
    }
    places = pc.sort_indices(first, [("place_min", "ascending")])
    return Catalog(known.take(first.column("place_min").take(places)), facts)

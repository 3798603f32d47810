"""The event log as the shop wrote it, under our column names, still lazy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.data import schema
from shopkeeper.data.columns import match_columns, normalized
from shopkeeper.data.engine import reading
from shopkeeper.data.ids import id_columns
from shopkeeper.data.schema import EVENT_COLUMNS, EVENT_TYPE_ALIASES, ROW, EventType
from shopkeeper.data.sources import SOURCE_PREFIX, SourceSettings, SourceTable, read_source
from shopkeeper.data.times import TimeSettings, timestamps
from shopkeeper.errors import DataError

if TYPE_CHECKING:
    from shopkeeper.data.sources import Source

ID_COLUMNS: Final = (schema.USER_ID, schema.ITEM_ID, schema.SESSION_ID)
NUMBER_COLUMNS: Final = (schema.QUANTITY, schema.PRICE)
TEXT_COLUMNS: Final = (schema.PLACEMENT, schema.RECOMMENDATION_ID)
ITEM_FACTS: Final = (schema.TITLE, schema.DESCRIPTION, schema.BRAND, schema.CATEGORY)
MOST_WORDS: Final = 1000
"""A column with more distinct words than this does not hold event types."""


class EventsSettings(Settings):
    """How a log is understood."""

    columns: dict[str, str] = Field(default_factory=dict)
    """Our column name to the source's, where the name or an alias does not say it; an empty name means none."""
    item_columns: dict[str, str] = Field(default_factory=dict)
    """Facts on items that stand in the log: our catalog column to the source's, such as title to Description. Without
    any, columns named title (or else description), brand and category are taken."""
    event_type: EventType | None = None
    """What every row is, for a log of one type; None reads the column."""
    event_type_map: dict[str, EventType] = Field(default_factory=dict)
    """The shop's own words for event types, beyond the known aliases."""
    time: TimeSettings = TimeSettings()
    """How times are read."""
    negative_quantity_is_return: bool = True
    """Whether a purchase of a negative quantity is a return of that many."""
    source: SourceSettings = SourceSettings()
    """How the source is read."""


@dataclass(frozen=True)
class Events:
    """A table of events with canonical columns; nothing is computed until a step asks.

    Attributes:
        table: Ibis table with `row` (int64), `user_id`, `item_id` (int64 or string), `event_type` (canonical word,
            null where the word is unknown), `timestamp` (timestamp in UTC, null where unreadable), and those of
            the optional columns that the source has (`session_id` int64 or string, `quantity` and `price` float64,
            `placement` and `recommendation_id` string, `position` int64), null where missing or unreadable.
        source: Where it came from, for reports.
        detail: `table` and beside it every column of the source as it came, its name after ``source.``; None where
            the events were made otherwise.
        columns: Our name to the source's name of each column that was found.
        item_columns: Catalog column to the source's name of each fact on items that stands in the log.
        facts: What was noticed while reading; plain JSON: `event_types` (the source's words with meaning and rows),
            `time` (how times were read), `broken_lines` and `broken_examples`.
    """

    table: Any
    source: str
    detail: Any = None
    columns: Mapping[str, str] = field(default_factory=dict)
    item_columns: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def read(source: Source, settings: EventsSettings | None = None) -> Events:
        """Reads a log.

        Args:
            source: A path, a database address or a table in memory; see `sources`.
            settings: How to understand it.

        Returns:
            The events. Types are settled here, by at most one pass over the columns in question; rows wait.

        Raises:
            DataError: The source cannot be read, a required column is missing, or a column may be one of several.
            ConfigError: A setting is not valid.
        """
        settings = settings or EventsSettings()
        opened = read_source(source, settings.source)
        with reading(opened.name):
            return _understand(opened, settings)


def _understand(opened: SourceTable, settings: EventsSettings) -> Events:
    columns = _columns(opened, settings)
    item_columns = _item_columns(opened, settings, columns)
    inside = {ours: SOURCE_PREFIX + theirs for ours, theirs in columns.items()}
    table, facts = opened.table, _reading_facts(opened)
    ids = {ours: name for ours, name in inside.items() if ours in ID_COLUMNS}
    values = id_columns(table, ids, opened.all_text)
    values[schema.TIMESTAMP], facts["time"] = timestamps(table[inside[schema.TIMESTAMP]], settings.time)
    for ours, name in inside.items():
        if ours in NUMBER_COLUMNS:
            values[ours] = number(table[name])
        elif ours in TEXT_COLUMNS:
            values[ours] = table[name].cast("string").nullif("")
        elif ours == schema.POSITION:
            values[ours] = table[name].try_cast("int64")
    values[schema.EVENT_TYPE], facts["event_types"] = _event_types(table, inside, settings)
    if schema.QUANTITY in values and settings.negative_quantity_is_return:
        values |= _returns(values)
    order = [ours for ours in EVENT_COLUMNS if ours in values]
    detail = table.mutate(**{ours: values[ours] for ours in order})
    return Events(detail.select(ROW, *order), opened.name, detail, columns, item_columns, facts)


def number(value: Any) -> Any:
    """A column as float64; null where it is missing, unreadable or not finite."""
    import ibis

    kind = value.type()
    if kind.is_integer():
        return value.cast("float64")
    read = value if kind.is_floating() else value.try_cast("float64")
    return ibis.ifelse(read.isnan() | read.isinf(), ibis.null("float64"), read.cast("float64"))


def _columns(opened: SourceTable, settings: EventsSettings) -> dict[str, str]:
    required = [name for name in schema.REQUIRED_EVENT_COLUMNS if name != schema.EVENT_TYPE or not settings.event_type]
    roles = [name for name in EVENT_COLUMNS if name != schema.EVENT_TYPE or not settings.event_type]
    mapping = {ours: theirs for ours, theirs in settings.columns.items() if ours in roles or ours != schema.EVENT_TYPE}
    try:
        return match_columns(opened.columns, mapping, roles, required)
    except DataError as error:
        if error.remedy and f"{schema.EVENT_TYPE}=COLUMN" in error.remedy:
            remedy = f"{error.remedy}, or --event-type purchase where every row is of one type"
            raise DataError(error.problem, expected=error.expected, got=error.got, remedy=remedy) from None
        raise


def _item_columns(opened: SourceTable, settings: EventsSettings, columns: Mapping[str, str]) -> dict[str, str]:
    free = [name for name in opened.columns if name not in columns.values()]
    if settings.item_columns:
        return match_columns(free, settings.item_columns, tuple(settings.item_columns), (), flag="--item-column")
    exact = {normalized(name): name for name in free}
    if schema.TITLE not in exact and schema.DESCRIPTION in exact:
        exact[schema.TITLE] = exact.pop(schema.DESCRIPTION)  # what a log says of an item is its name
    return {role: exact[role] for role in ITEM_FACTS if role in exact}


def _reading_facts(opened: SourceTable) -> dict[str, Any]:
    examples = [vars(line) for line in opened.broken_examples]
    return {"broken_lines": opened.broken_lines, "broken_examples": examples}


def _event_types(table: Any, inside: Mapping[str, str], settings: EventsSettings) -> tuple[Any, list[dict[str, Any]]]:
    """The expression of the canonical word, and what each word of the source means; one pass over the column."""
    import ibis

    if settings.event_type is not None:
        return ibis.literal(settings.event_type.value), []
    raw = table[inside[schema.EVENT_TYPE]].cast("string")
    counted = raw.name("word").as_table().group_by("word").aggregate(rows=lambda t: t.count())
    words = counted.order_by(ibis.desc("rows"), "word").limit(MOST_WORDS + 1).to_pyarrow().to_pylist()
    if len(words) > MOST_WORDS:
        raise DataError(
            f"the column {inside[schema.EVENT_TYPE].removeprefix(SOURCE_PREFIX)!r} does not hold event types",
            expected="a few words such as view, cart, purchase",
            got=f"more than {MOST_WORDS} different values, such as {words[0]['word']!r}",
            remedy="--map event_type=COLUMN, or --event-type purchase where every row is of one type",
        )
    own = {normalized(word): meaning for word, meaning in settings.event_type_map.items()}
    known = {**EVENT_TYPE_ALIASES, **own}
    meanings = [{**entry, "meaning": known.get(normalized(entry["word"] or ""))} for entry in words]
    cases = [(str(entry["word"]), entry["meaning"].value) for entry in meanings if entry["meaning"] is not None]
    if not cases:
        return ibis.null("string"), meanings
    return raw.cases(*cases), meanings


def _returns(values: Mapping[str, Any]) -> dict[str, Any]:
    """Purchases of a negative quantity become returns; returns count their units positively."""
    import ibis

    kind, quantity = values[schema.EVENT_TYPE], values[schema.QUANTITY]
    back = (quantity < 0) & kind.isin([EventType.PURCHASE.value, EventType.RETURN.value])
    back = back.fill_null(False)
    return {
        schema.EVENT_TYPE: ibis.ifelse(back, EventType.RETURN.value, kind),
        schema.QUANTITY: ibis.ifelse(back, -quantity, quantity),
    }

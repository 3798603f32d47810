"""What can be said of each row by itself: missing and unreadable values, impossible times, prices and quantities.

All conditions are counted in one pass over the log, together with the smallest row numbers that show each of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from shopkeeper.data import schema
from shopkeeper.data.categories import NOTHING
from shopkeeper.data.cleaning.bounds import Bounds, robust_bounds
from shopkeeper.data.functions import smallest
from shopkeeper.data.schema import ROW, EventType
from shopkeeper.data.sources import SOURCE_PREFIX
from shopkeeper.data.validation.findings import Finding, Severity, graded
from shopkeeper.data.validation.settings import ValidationSettings

if TYPE_CHECKING:
    from shopkeeper.data.events import Events

SAMPLE: Final = 500_000
"""Rows at most that the bounds of prices and quantities are learned from, evenly spread over the log."""


@dataclass(frozen=True)
class RowFacts:
    """What the pass over the rows counted.

    Attributes:
        rows: Number of rows.
        missing: Missing or unreadable values of each column.
        event_types: Rows of each event type.
        first_time: Earliest possible time, or None.
        last_time: Latest possible time, or None.
        at_midnight: Rows whose time is exactly midnight UTC.
        priced: Rows of purchases with a price above 0.
        findings: One for each condition that holds somewhere.
    """

    rows: int
    missing: dict[str, int]
    event_types: dict[str, int]
    first_time: datetime | None
    last_time: datetime | None
    at_midnight: int
    priced: int
    findings: list[Finding]


@dataclass(frozen=True)
class Check:
    """A condition on a row and what to say of it; severity None is a warning that grows with the share."""

    code: str
    severity: Severity | None
    title: str
    holds: Any
    remedy: str


def check_rows(events: Events, settings: ValidationSettings) -> RowFacts:
    """Counts rows, missing values and every condition on single rows, in one pass (two where there are numbers).

    Args:
        events: The log.
        settings: Bounds.
    """
    table = events.table if events.detail is None else events.detail
    checks = list(_checks(events, table, settings))
    columns = [column for column in events.table.columns if column != ROW]
    time = table[schema.TIMESTAMP]
    possible = (time >= moment(settings.earliest)) & (time <= moment(latest(settings)))
    values: dict[str, Any] = {"rows": table.count()}
    values |= {f"missing:{column}": table[column].isnull().sum() for column in columns}
    values |= {f"type:{kind}": (table[schema.EVENT_TYPE] == kind.value).sum() for kind in EventType}
    values |= {"first": time.min(where=possible), "last": time.max(where=possible)}
    values["midnight"] = (time == time.truncate("D")).sum()
    if schema.PRICE in columns:
        values["priced"] = ((table[schema.PRICE] > 0) & (table[schema.EVENT_TYPE] == EventType.PURCHASE.value)).sum()
    for check in checks:
        values[f"count:{check.code}"] = check.holds.sum()
        values[f"rows:{check.code}"] = smallest(table[ROW], max(1, settings.examples), where=check.holds)
    found = table.aggregate(**values).to_pyarrow().to_pylist()[0]
    rows = found["rows"]
    return RowFacts(
        rows=rows,
        missing={column: found[f"missing:{column}"] or 0 for column in columns},
        event_types={kind.value: n for kind in EventType if (n := found[f"type:{kind}"])},
        first_time=found["first"],
        last_time=found["last"],
        at_midnight=found["midnight"] or 0,
        priced=found.get("priced") or 0,
        findings=[
            _finding(check, n, rows, found[f"rows:{check.code}"])
            for check in checks
            if (n := found[f"count:{check.code}"])
        ],
    )


def latest(settings: ValidationSettings) -> datetime:
    """The moment after which times are impossible."""
    return settings.latest or datetime.now(tz=UTC) + timedelta(days=1)


def moment(value: datetime) -> Any:
    """A moment as Ibis literal, UTC."""
    import ibis

    utc = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    return ibis.literal(utc, "timestamp")


def bounds_of(table: Any, column: str, settings: ValidationSettings) -> Bounds:
    """Robust bounds of the positive values of a column, learned from rows evenly spread over the log."""
    step = max(1, int(table[ROW].max().to_pyarrow().as_py() or 0) // SAMPLE)
    sample = table.filter((table[ROW] % step == 0) & (table[column] > 0))[column].to_pyarrow()
    return robust_bounds(sample.to_numpy(), settings.deviations, settings.least_factor)


def _finding(check: Check, count: int, rows: int, examples: list[int] | None) -> Finding:
    severity = check.severity or graded(count, rows)
    return Finding(
        check.code, severity, check.title, count, check.remedy, share=count / rows, rows=tuple(examples or ())
    )


def _checks(events: Events, table: Any, settings: ValidationSettings) -> Iterator[Check]:
    yield from _missing(table)
    if events.detail is not None:
        yield from _unreadable(events, table)
    yield from _times(table[schema.TIMESTAMP], settings)
    if schema.PRICE in table.columns:
        yield from _prices(events.table, table[schema.PRICE], settings)
    if schema.QUANTITY in table.columns:
        yield from _quantities(events, table, settings)


def _missing(table: Any) -> Iterator[Check]:
    remedy = "prepare leaves these rows out; name an anonymous shopper by session or device to keep them"
    yield Check("missing_user", None, "no shopper is named", table[schema.USER_ID].isnull(), remedy)
    remedy = "prepare leaves these rows out; complete them at the source"
    yield Check("missing_item", None, "no item is named", table[schema.ITEM_ID].isnull(), remedy)


def _unreadable(events: Events, table: Any) -> Iterator[Check]:
    titles = {
        schema.TIMESTAMP: ("time", "fix them at the source, or --set events.time.format=...; prepare leaves them out"),
        schema.EVENT_TYPE: ("event_type", "map the words: --event-type-map WORD=TYPE; prepare leaves them out"),
        schema.QUANTITY: ("quantity", "numbers of the wrong type count as missing; fix them at the source"),
        schema.PRICE: ("price", "numbers of the wrong type count as missing; fix them at the source"),
        schema.POSITION: ("position", "numbers of the wrong type count as missing; fix them at the source"),
    }
    for column, (code, remedy) in titles.items():
        if column not in events.columns:
            continue
        raw = table[SOURCE_PREFIX + events.columns[column]]
        empty, name = _empty(raw), column.replace("_", " ")
        if raw.type().is_string():  # whatever has a type can be read
            word = "unknown" if column == schema.EVENT_TYPE else "unreadable"
            yield Check(f"{word}_{code}", None, f"the {name} is {word}", table[column].isnull() & ~empty, remedy)
        if column in schema.REQUIRED_EVENT_COLUMNS:
            complete = "prepare leaves these rows out; complete them at the source"
            yield Check(f"missing_{code}", None, f"no {name} is given", empty, complete)


def _empty(raw: Any) -> Any:
    """Whether a source's value is none at all."""
    kind = raw.type()
    if kind.is_string():
        return raw.isnull() | raw.isin(NOTHING)
    return raw.isnull() | raw.isnan() if kind.is_floating() else raw.isnull()


def _times(time: Any, settings: ValidationSettings) -> Iterator[Check]:
    epoch = (time >= moment(datetime(1970, 1, 1))) & (time < moment(datetime(1970, 1, 2)))
    wrong_unit = "are times in another unit? --set events.time.unit=ms; prepare leaves these rows out"
    yield Check(
        "time_epoch_zero", None, "the time is the first day of 1970: a missing time written as 0", epoch, wrong_unit
    )
    early = (time < moment(settings.earliest)) & ~epoch
    title = f"the time is before {settings.earliest.year}"
    yield Check("time_too_early", None, title, early, wrong_unit)
    remedy = "check clock and time zone (--time-zone); prepare leaves these rows out"
    yield Check("time_in_future", None, "the time is in the future", time > moment(latest(settings)), remedy)


def _prices(table: Any, price: Any, settings: ValidationSettings) -> Iterator[Check]:
    remedy = "gifts, samples or bookkeeping? kept by prepare; look at their items"
    yield Check("price_zero", Severity.INFO, "the price is zero", price == 0, remedy)
    remedy = "bookkeeping entries: prepare leaves them out"
    yield Check("price_negative", Severity.WARNING, "the price is negative", price < 0, remedy)
    lower, upper = bounds_of(table, schema.PRICE, settings)
    odd = ((price > upper) | (price < lower)) & (price > 0)
    title = f"the price is far outside of what is usual ({lower:.4g} to {upper:.4g})"
    remedy = "wrong unit or bookkeeping: prepare leaves them out (prepare.outliers)"
    yield Check("price_outlier", Severity.WARNING, title, odd, remedy)


def _quantities(events: Events, table: Any, settings: ValidationSettings) -> Iterator[Check]:
    quantity = table[schema.QUANTITY]
    yield Check(
        "quantity_zero", Severity.WARNING, "the quantity is zero", quantity == 0, "prepare leaves these rows out"
    )
    negative = quantity < 0
    yield Check("quantity_negative", None, "the quantity is negative", negative, "prepare leaves these rows out")
    if events.detail is not None and schema.QUANTITY in events.columns:
        raw = table[SOURCE_PREFIX + events.columns[schema.QUANTITY]].try_cast("float64")
        back = (raw < 0) & (quantity > 0)
        title = "a purchase of a negative quantity, read as a return"
        remedy = "netted by prepare; if it is none: --set events.negative_quantity_is_return=false"
        yield Check("negative_quantity_as_return", Severity.INFO, title, back, remedy)
    upper = bounds_of(events.table, schema.QUANTITY, settings).upper
    title = f"the quantity is far above what is usual (at most {upper:.4g})"
    remedy = "wholesale, typing error or test order: prepare leaves them out (prepare.outliers)"
    yield Check("quantity_outlier", Severity.WARNING, title, quantity > upper, remedy)

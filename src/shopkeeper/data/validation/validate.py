"""Runs all checks on a log and puts the report together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shopkeeper.data import schema
from shopkeeper.data.engine import reading
from shopkeeper.data.functions import row_hash
from shopkeeper.data.schema import INTEREST_TYPES, EventType
from shopkeeper.data.validation.clock import ClockFacts, check_clock
from shopkeeper.data.validation.examples import with_examples
from shopkeeper.data.validation.findings import Finding, Severity
from shopkeeper.data.validation.items import ItemFacts, check_items
from shopkeeper.data.validation.repeated import RepeatFacts, check_repeats
from shopkeeper.data.validation.report import ValidationReport, sorted_findings
from shopkeeper.data.validation.returned import check_returns
from shopkeeper.data.validation.rows import RowFacts, check_rows
from shopkeeper.data.validation.settings import ValidationSettings
from shopkeeper.data.validation.spread import Spread, spread_of
from shopkeeper.data.validation.unlocks import Measures, unlocks
from shopkeeper.data.validation.users import UserFacts, check_users
from shopkeeper.errors import DataError

if TYPE_CHECKING:
    from shopkeeper.data.catalog import Catalog
    from shopkeeper.data.events import Events


def validate(
    events: Events, catalog: Catalog | None = None, settings: ValidationSettings | None = None
) -> ValidationReport:
    """Looks for faults in a log, and says what the data are good for. Nothing is changed.

    Args:
        events: The log, as `Events.read` gives it.
        catalog: What is known of the items, or None.
        settings: Bounds.

    Returns:
        The report; a log without rows gets one too.

    Raises:
        DataError: The source is damaged.
        ResourceError: Memory or disk ran out.
    """
    settings = settings or ValidationSettings()
    with reading(events.source):
        rows = check_rows(events, settings)
        if rows.rows == 0:
            raise DataError(
                f"{events.source} has no rows", expected="at least one event", remedy="check the export and its filters"
            )
        repeats = check_repeats(events, rows.rows, settings)
        users = check_users(events, rows.rows, settings)
        items = check_items(events, catalog, rows.rows, settings)
        clock = check_clock(events, rows, settings)
        returned = check_returns(events, rows.event_types.get(EventType.RETURN.value, 0), settings)
        spread = spread_of(events, settings)
        findings = [*_reading(events, rows), *rows.findings, *repeats.findings, *users.findings, *items.findings,
                    *clock.findings, *returned]  # fmt: skip
        findings = with_examples(events, sorted_findings(findings), settings.examples)
    measures = _measures(rows, repeats, users, items, spread)
    return ValidationReport(
        source=events.source,
        overview=_overview(events, catalog, rows, users, items),
        columns=dict(events.columns),
        event_types=[_share({"type": kind}, n, rows.rows) for kind, n in rows.event_types.items()],
        words=[_word(entry) for entry in events.facts.get("event_types", [])],
        missing={column: _share({}, n, rows.rows) for column, n in rows.missing.items()},
        findings=findings,
        unlocks=unlocks(measures),
        activity=_activity(clock),
    )


def _reading(events: Events, rows: RowFacts) -> Iterator[Finding]:
    """What was noticed while reading, and what holds for the log as a whole."""
    if n := events.facts.get("broken_lines"):
        yield Finding(
            "broken_lines", Severity.WARNING, "a line of the CSV that cannot be split into its columns", n,
            "mend quotes and delimiters at the source; these lines are in no figure below", unit="lines",
            share=n / (rows.rows + n), details={"lines": list(events.facts["broken_examples"])},
        )  # fmt: skip
    interest = sum(rows.event_types.get(kind.value, 0) for kind in INTEREST_TYPES)
    if not interest:
        yield Finding(
            "no_interest", Severity.ERROR, "no view, like, cart or purchase: nothing can be learned", rows.rows,
            "map the event types: --event-type-map WORD=TYPE, or --event-type purchase", share=1.0,
        )  # fmt: skip


def _measures(
    rows: RowFacts, repeats: RepeatFacts, users: UserFacts, items: ItemFacts, spread: Spread | None
) -> Measures:
    days = (rows.last_time - rows.first_time).total_seconds() / 86_400 if rows.first_time and rows.last_time else 0.0
    return Measures(
        interest=sum(rows.event_types.get(kind.value, 0) for kind in INTEREST_TYPES),
        event_types=rows.event_types,
        users=users.users,
        items=items.items,
        with_events=users.with_events,
        repeats=repeats.repeats,
        buying_twice=users.buying_twice,
        on_two_days=users.on_two_days,
        days=int(days),
        titled=items.titled,
        priced_items=items.priced,
        priced_purchases=rows.priced,
        spread=spread,
    )


def _overview(
    events: Events, catalog: Catalog | None, rows: RowFacts, users: UserFacts, items: ItemFacts
) -> dict[str, Any]:
    table = events.table
    sessions = None
    if schema.SESSION_ID in table.columns:
        session = table[schema.SESSION_ID]
        sessions = int(row_hash(session).nunique(where=session.notnull()).to_pyarrow().as_py())
    span = (rows.last_time - rows.first_time).days + 1 if rows.first_time and rows.last_time else 0
    return {
        "rows": rows.rows, "users": users.users, "items": items.items, "sessions": sessions,
        "first_time": _iso(rows.first_time), "last_time": _iso(rows.last_time), "days": span,
        "median_events_a_user": users.median_events, "time_read_as": events.facts.get("time"),
        "catalog_items": None if catalog is None else len(catalog), "items_with_title": items.titled,
    }  # fmt: skip


def _iso(value: datetime | None) -> str | None:
    return None if value is None else value.replace(tzinfo=UTC).isoformat()


def _share(entry: dict[str, Any], n: int, rows: int) -> dict[str, Any]:
    return {**entry, "rows": n, "share": n / rows}


def _word(entry: dict[str, Any]) -> dict[str, Any]:
    meaning = entry["meaning"]
    return {"word": entry["word"], "rows": entry["rows"], "meaning": None if meaning is None else meaning.value}


def _activity(clock: ClockFacts) -> dict[str, Any]:
    days = [[day.isoformat(), int(n)] for day, n in zip(clock.days, clock.by_day, strict=True)]
    return {"days": days, "hours": [int(n) for n in clock.by_hour]}

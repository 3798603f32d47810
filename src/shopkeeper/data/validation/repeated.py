"""Rows that say the same: exact duplicates, events fired twice within moments; and how often shoppers come back.

One pass sorts the log by a hash of user, item and type, by time and by a hash of the whole row, so that equal rows are
neighbors. Hashes have 64 bits: among 50 million rows the chance that two different ones are taken for equal is about
one in ten thousand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shopkeeper.data import schema
from shopkeeper.data.functions import row_hash, smallest
from shopkeeper.data.schema import ROW
from shopkeeper.data.sources import SOURCE_PREFIX
from shopkeeper.data.validation.findings import Finding, Severity
from shopkeeper.data.validation.settings import ValidationSettings

if TYPE_CHECKING:
    from shopkeeper.data.events import Events

SAME: Final = (
    schema.USER_ID, schema.ITEM_ID, schema.EVENT_TYPE, schema.TIMESTAMP, schema.QUANTITY, schema.PRICE,
    schema.SESSION_ID,
)  # fmt: skip
"""Two rows equal in these are the same event; the same rule as in `prepare`."""


@dataclass(frozen=True)
class RepeatFacts:
    """What the pass counted.

    Attributes:
        repeats: Rows whose user did the same to the same item before, exact duplicates and double fires not counted.
        findings: Exact duplicates and double-fired events, where there are any.
    """

    repeats: int
    findings: list[Finding]


def check_repeats(events: Events, rows: int, settings: ValidationSettings) -> RepeatFacts:
    """Finds duplicates and double-fired events.

    Args:
        events: The log.
        rows: Number of its rows.
        settings: Bounds.
    """
    import ibis

    table = events.table
    known = table[schema.USER_ID].notnull() & table[schema.ITEM_ID].notnull() & table[schema.TIMESTAMP].notnull()
    key = row_hash(*(table[name] for name in (schema.USER_ID, schema.ITEM_ID, schema.EVENT_TYPE)))
    whole = row_hash(*(table[name] for name in SAME if name in table.columns))
    hashed = table.select(ROW, known=known, key=key, whole=whole, time=table[schema.TIMESTAMP])
    window = ibis.window(group_by="key", order_by=["time", "whole", ROW])
    lagged = hashed.mutate(before=hashed.whole.lag().over(window), earlier=hashed.time.lag().over(window))
    gap = (lagged.time.epoch_seconds() - lagged.earlier.epoch_seconds()).fill_null(-1)
    same = (lagged.before == lagged.whole).fill_null(False)
    fired = lagged.known & ~same & (gap >= 0) & (gap <= settings.double_fired_seconds)
    again = lagged.known & ~same & ~fired & lagged.before.notnull()
    n = max(1, settings.examples)
    found = lagged.aggregate(
        same=same.sum(), same_rows=smallest(lagged[ROW], n, where=same),
        fired=fired.sum(), fired_rows=smallest(lagged[ROW], n, where=fired), again=again.sum(),
    ).to_pyarrow().to_pylist()[0]  # fmt: skip
    return RepeatFacts(found["again"] or 0, list(_findings(events, found, rows, settings)))


def _findings(events: Events, found: dict[str, Any], rows: int, settings: ValidationSettings) -> Any:
    if found["same"]:
        columns = [name for name in SAME if name in events.table.columns]
        details: dict[str, Any] = {"equal_in": columns}
        if (whole := _whole_rows(events, rows)) is not None:
            details["equal_in_every_source_column"] = whole
        yield Finding(
            "duplicate_rows", Severity.WARNING, f"a row equal to an earlier one in {', '.join(columns)}", found["same"],
            "prepare keeps the first (prepare.drop_duplicates)", share=found["same"] / rows,
            rows=tuple(found["same_rows"]), details=details,
        )  # fmt: skip
    if found["fired"]:
        seconds = settings.double_fired_seconds
        yield Finding(
            "double_fired", Severity.WARNING,
            f"the same shopper did the same to the same item within {seconds:g} seconds", found["fired"],
            f"--set prepare.near_duplicate_seconds={seconds:g} keeps the first; quantities may differ, so look first",
            share=found["fired"] / rows, rows=tuple(found["fired_rows"]),
        )  # fmt: skip


def _whole_rows(events: Events, rows: int) -> int | None:
    """Rows equal to an earlier one in every column of the source; None where the source has no further column."""
    if events.detail is None:
        return None
    columns = [name for name in events.detail.columns if name.startswith(SOURCE_PREFIX)]
    if len(columns) <= len(events.columns):
        return None
    distinct = row_hash(*(events.detail[name] for name in columns)).nunique().to_pyarrow().as_py()
    return rows - int(distinct)

"""The example rows of all findings, fetched from the source in one pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from shopkeeper.data.schema import ROW
from shopkeeper.data.sources import SOURCE_PREFIX
from shopkeeper.data.validation.findings import Finding

if TYPE_CHECKING:
    from shopkeeper.data.events import Events

MOST_COLUMNS: Final = 12
LONGEST_TEXT: Final = 200


def with_examples(events: Events, findings: Sequence[Finding], n: int) -> list[Finding]:
    """The findings with the rows that show them.

    Args:
        events: The log.
        findings: Findings that know numbers of rows.
        n: Rows a finding at most.

    Returns:
        The same findings; each example is a row as it stands in the source, values that JSON can hold, with `row`.
    """
    wanted = sorted({row for finding in findings for row in finding.rows[:n]})
    if not wanted:
        return list(findings)
    table = events.table if events.detail is None else events.detail
    columns = [name for name in table.columns if name.startswith(SOURCE_PREFIX)] if events.detail is not None else []
    columns = (columns or [name for name in table.columns if name != ROW])[:MOST_COLUMNS]
    found = table.filter(table[ROW].isin(wanted)).select(ROW, *columns).to_pyarrow().to_pylist()
    rows = {row[ROW]: _plain_row(row) for row in found}
    return [replace(one, examples=[rows[row] for row in one.rows[:n] if row in rows]) for one in findings]


def _plain_row(row: dict[str, Any]) -> dict[str, Any]:
    plain = {ROW: row[ROW]}
    for name, value in row.items():
        if name != ROW:
            theirs = name.removeprefix(SOURCE_PREFIX)
            plain[f"source {theirs}" if theirs == ROW else theirs] = _plain(value)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int):
        return value
    return str(value)[:LONGEST_TEXT]

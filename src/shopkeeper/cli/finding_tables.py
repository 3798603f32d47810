"""Tables of what validation found and preparation rejected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table

from shopkeeper.cli.plain import escape

if TYPE_CHECKING:
    from shopkeeper.data.validation.report import ValidationReport

COLORS = {"error": "red", "warning": "yellow", "info": "cyan"}


def finding_table(report: ValidationReport) -> Table:
    """Findings, worst first, with count, share and remedy."""
    types = ", ".join(f"{entry['type']} {entry['share']:.1%}" for entry in report.event_types)
    table = Table(title=f"{escape(report.headline())}\nevent types: {types or 'none'}", show_lines=False)
    table.add_column("severity")
    table.add_column("count", justify="right")
    table.add_column("share", justify="right")
    table.add_column("what", ratio=2, overflow="fold")
    table.add_column("what to do", ratio=2, overflow="fold")
    for found in report.findings:
        color = COLORS[found.severity.value]
        share = "" if found.share is None else f"{found.share:.2%}"
        count = f"{found.count:,} {found.unit}"
        table.add_row(f"[{color}]{found.severity.value}[/]", count, share, escape(found.title), escape(found.remedy))
    return table


def unlock_table(report: ValidationReport) -> Table:
    """Which models and targets have enough data, which not yet, and why."""
    table = Table(title="what the data unlock")
    table.add_column("")
    table.add_column("for")
    table.add_column("why")
    for unlock in report.unlocks:
        table.add_row(
            "[green]yes[/]" if unlock.ready else "[yellow]not yet[/]", escape(unlock.title), escape(unlock.why)
        )
    return table


def rejection_table(facts: Mapping[str, Any]) -> Table:
    """What preparation left out and why, with the sentence that explains each reason."""
    from shopkeeper.data.cleaning.rejections import rejection_counts

    table = Table(title=f"{int(facts['rows_in']):,} rows in, {int(facts['rows_kept']):,} kept")
    table.add_column("rejected", justify="right")
    table.add_column("reason")
    table.add_column("explanation")
    for count in rejection_counts(facts):
        table.add_row(f"{count.rows:,}", count.reason.value, escape(count.explanation))
    return table

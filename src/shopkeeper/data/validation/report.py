"""The validation report: one object, as plain JSON, as lines of text, as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shopkeeper.data.validation.findings import Finding, Severity
from shopkeeper.data.validation.unlocks import Unlock

SCHEMA_VERSION: Final = 1
ORDER: Final = tuple(Severity)


@dataclass(frozen=True)
class ValidationReport:
    """What validation found.

    Attributes:
        source: Where the log came from.
        overview: `rows`, `users`, `items`, `sessions` (None without), `first_time`, `last_time` (ISO 8601, UTC, or
            None), `days`, `time_read_as`, `catalog_items` (None without).
        columns: Our name to the source's name of each column.
        event_types: One entry a type: `type`, `rows`, `share`.
        words: The source's own words for event types: `word`, `rows`, `meaning` (None where unknown).
        missing: Column to missing or unreadable values: `rows`, `share`.
        findings: Worst first, then by count.
        unlocks: What the data are good for.
        activity: `days` (pairs of ISO date and events) and `hours` (24 numbers of events, UTC).
    """

    source: str
    overview: Mapping[str, Any]
    columns: Mapping[str, str]
    event_types: Sequence[Mapping[str, Any]]
    words: Sequence[Mapping[str, Any]]
    missing: Mapping[str, Mapping[str, Any]]
    findings: Sequence[Finding]
    unlocks: Sequence[Unlock]
    activity: Mapping[str, Any] = field(default_factory=dict)

    @property
    def worst(self) -> Severity | None:
        """The severity of the worst finding; None where nothing was found."""
        return self.findings[0].severity if self.findings else None

    def finding(self, code: str) -> Finding | None:
        """The finding of this code, None where there is none."""
        return next((finding for finding in self.findings if finding.code == code), None)

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values; `schema_version` changes when a key changes its meaning."""
        return {
            "schema_version": SCHEMA_VERSION,
            "source": self.source,
            "overview": dict(self.overview),
            "columns": dict(self.columns),
            "event_types": [dict(entry) for entry in self.event_types],
            "words": [dict(entry) for entry in self.words],
            "missing": {column: dict(entry) for column, entry in self.missing.items()},
            "findings": [finding.to_dict() for finding in self.findings],
            "unlocks": [unlock.to_dict() for unlock in self.unlocks],
            "activity": dict(self.activity),
        }

    def to_html(self) -> str:
        """The report as one self-contained HTML page without scripts."""
        from shopkeeper.data.validation.page import page

        return page(self)

    def to_text(self) -> list[str]:
        """The report as lines of plain text."""
        lines = [f"{self.source}: {self.headline()}"]
        shares = ", ".join(f"{entry['type']} {entry['share']:.1%}" for entry in self.event_types)
        lines += [f"event types: {shares or 'none'}", ""]
        for finding in self.findings:
            share = "" if finding.share is None else f" ({finding.share:.2%})"
            lines.append(f"{finding.severity.value:8}{finding.count:>12,} {finding.unit}{share}  {finding.title}")
            lines.append(f"{'':21} -> {finding.remedy}")
        lines += ["nothing wrong was found"] if not self.findings else []
        lines += ["", "what the data unlock:"]
        return lines + [f"  {'yes' if one.ready else 'no ':4}{one.title}: {one.why}" for one in self.unlocks]

    def headline(self) -> str:
        """Rows, shoppers, items and time range in one phrase."""
        facts = self.overview
        span = f", {facts['first_time'][:10]} to {facts['last_time'][:10]}" if facts["first_time"] else ""
        return f"{facts['rows']:,} rows, {facts['users']:,} shoppers, {facts['items']:,} items{span}"


def sorted_findings(findings: Sequence[Finding]) -> list[Finding]:
    """Worst first, then by count, then by name."""
    return sorted(findings, key=lambda finding: (ORDER.index(finding.severity), -finding.count, finding.code))

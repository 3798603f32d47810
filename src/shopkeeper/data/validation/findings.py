"""One finding: what is wrong, how often, where for example, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


class Severity(StrEnum):
    """How bad it is, worst first."""

    ERROR = "error"
    """Models trained on this would be wrong; mend it first."""
    WARNING = "warning"
    """Rows are lost or results suffer; `prepare` handles it as the remedy says."""
    INFO = "info"
    """Worth knowing."""


@dataclass(frozen=True)
class Finding:
    """One kind of fault.

    Attributes:
        code: Stable name for programs.
        severity: How bad it is.
        title: What it is, for people.
        count: How many.
        remedy: What to do.
        unit: What is counted: rows, users or items.
        share: Part of all rows, users or items; None where there is no whole.
        rows: Numbers of example rows in the source.
        examples: These rows, as they stand in the source.
        details: Figures and ids that explain it; plain JSON.
    """

    code: str
    severity: Severity
    title: str
    count: int
    remedy: str
    unit: str = "rows"
    share: float | None = None
    rows: Sequence[int] = ()
    examples: Sequence[Mapping[str, Any]] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain JSON."""
        return {
            "code": self.code, "severity": self.severity.value, "title": self.title, "count": self.count,
            "unit": self.unit, "share": self.share, "remedy": self.remedy,
            "examples": [dict(row) for row in self.examples], "details": dict(self.details),
        }  # fmt: skip


def graded(count: int, whole: int, error_share: float = 0.5) -> Severity:
    """A warning, or an error where a large share is concerned."""
    return Severity.ERROR if whole and count / whole >= error_share else Severity.WARNING


PLACEHOLDERS: Final = ("nan", "none", "null", "undefined", "unknown", "anonymous", "guest", "n/a", "na", "-", "-1")
"""Ids, in lower case, that stand for no shopper and no item."""


def placeholder_finding(kind: str, ids: Sequence[Any], count: int, rows: int, first_rows: Sequence[int]) -> Finding:
    """The finding for ids that stand for none.

    Args:
        kind: ``"user"`` or ``"item"``.
        ids: The ids.
        count: Their events.
        rows: Rows of the log.
        first_rows: Number of the first row of each.
    """
    name = {"user": "shopper"}.get(kind, kind)
    return Finding(
        f"placeholder_{kind}", graded(count, rows), f"the {name}'s id stands for no {name}", count,
        f"all these rows count as one {name}: leave the id empty where there is none", share=count / rows,
        rows=tuple(first_rows), details={"ids": list(ids)},
    )  # fmt: skip

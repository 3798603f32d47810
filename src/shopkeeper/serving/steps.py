"""The time that a plot shows, cut into steps of the same length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

STEP_MINUTES: Final = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440, 2880, 10080)
"""Lengths that a step of a plot may have."""
MAX_STEPS: Final = 60
MINUTE: Final = 60_000_000
"""Microseconds."""


@dataclass(frozen=True)
class Steps:
    """The time asked about, cut into steps of the same length.

    Attributes:
        minutes: Length of a step.
        first: Number of the first step since the Unix epoch.
        last: Number of the step that is not over yet.
    """

    minutes: int
    first: int
    last: int

    @staticmethod
    def of(hours: float, now: float) -> Steps:
        """At most about sixty steps that end now (Unix seconds)."""
        minutes = next((each for each in STEP_MINUTES if hours * 60 <= each * MAX_STEPS), STEP_MINUTES[-1])
        length = minutes * 60
        return Steps(minutes, int((now - hours * 3600) // length), int(now // length))

    @property
    def start(self) -> int:
        """Where the first begins, Unix microseconds."""
        return self.first * self.minutes * MINUTE

    def fill(self, counts: Mapping[int, Any], empty: Any = 0) -> list[Any]:
        """One value for each step from values by number of step."""
        return [counts.get(step, empty) for step in range(self.first, self.last + 1)]

    def times(self) -> list[str]:
        """Beginning of each step, ISO 8601."""
        return [iso(step * self.minutes * MINUTE) for step in range(self.first, self.last + 1)]


def iso(microseconds: float) -> str:
    """A moment as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(microseconds / 1e6, UTC).isoformat(timespec="seconds")

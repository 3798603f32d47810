"""The clock of a search: stops a trial when time is up, and shows the whole search as one bar of seconds."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence

from shopkeeper.progress import Progress
from shopkeeper.training.trials import Trial, best_of

EVERY = 0.5
"""Seconds between two moves of the bar."""


class OutOfTimeError(Exception):
    """The time of the search is over."""


class TrialProgress:
    """The progress that trials are given: every call looks at the clock, and what a trial tells becomes one bar.

    Args:
        outer: Where the bar goes; None draws nothing.
        title: Of the bar.
        begun: When the search began, by `time.monotonic()`.
        deadline: When it is over.
    """

    def __init__(self, outer: Progress | None, title: str, begun: float, deadline: float) -> None:
        self._outer = outer
        self._begun, self._deadline = begun, deadline
        self._turn_ends = math.inf
        self._shown = 0
        self._moved = 0.0
        self._facts: dict[str, float] = {}
        if outer is not None:
            outer.start(title, max(1, round(deadline - begun)))

    def tell(self, trials: Sequence[Trial]) -> None:
        """Shows how many trials there were and the best one."""
        best = best_of(trials)
        failed = sum(trial.state == "failed" for trial in trials)
        facts: dict[str, float] = {"trial": len(trials)}
        if best is not None and best.score is not None:
            facts["best"] = best.score
        if failed:
            facts["failed"] = failed
        self.show(facts)

    def show(self, facts: Mapping[str, float]) -> None:
        """Shows these numbers beside the bar."""
        self._facts = dict(facts)
        self._move()

    def turn_until(self, moment: float) -> None:
        """The trial that begins now may take until this moment, by `time.monotonic()`, or until the search is over."""
        self._turn_ends = moment

    def check(self) -> None:
        """Looks at the clock.

        Raises:
            OutOfTimeError: Time is up, of the search or of the trial.
        """
        if time.monotonic() > min(self._deadline, self._turn_ends):
            raise OutOfTimeError
        if time.monotonic() - self._moved > EVERY:
            self._move()

    def close(self) -> None:
        """The search is over."""
        if self._outer is not None:
            self._outer.finish()

    def start(self, title: str, total: int | None) -> None:
        """A trial begins something."""
        self.check()

    def advance(self, steps: int = 1, facts: Mapping[str, float] | None = None) -> None:
        """A trial goes on."""
        self.check()

    def finish(self) -> None:
        """A trial is done with something."""

    def _move(self) -> None:
        self._moved = time.monotonic()
        if self._outer is not None:
            seconds = round(min(self._moved, self._deadline) - self._begun)
            self._outer.advance(seconds - self._shown, self._facts)
            self._shown = seconds

"""One trial of a search: what was tried and what came of it, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from shopkeeper.search_space import Value

TrialState: TypeAlias = Literal["complete", "pruned", "failed", "cut"]
"""Done; given up by its learning curve; ended by an error; ended since time was up or the process was killed."""


@dataclass(frozen=True)
class Trial:
    """One setting of the search space, tried.

    Attributes:
        number: From 0; trial 0 has the settings that the search began with.
        state: How it ended.
        values: The settings tried, by dotted path.
        score: What is to be as large as possible; None unless it is complete.
        seconds: Wall time, all counted.
        curve: NDCG@10 after the epochs of this trial that were validated, by epoch from 1.
        reason: Why it is not complete, or of which earlier trial it is a repetition; else empty.
    """

    number: int
    state: TrialState
    values: Mapping[str, Value]
    score: float | None
    seconds: float
    curve: Mapping[int, float]
    reason: str = ""


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The complete trial with the highest score, the first of them; None where none is complete."""
    done = [trial for trial in trials if trial.score is not None]
    return max(done, key=lambda trial: (trial.score or 0.0, -trial.number), default=None)


def same_as(trials: Sequence[Trial], values: Mapping[str, Value]) -> Trial | None:
    """A complete trial of exactly these values, or None."""
    return next((trial for trial in trials if trial.score is not None and trial.values == values), None)

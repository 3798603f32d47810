"""What a search is for, and how long it may take."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final, get_args

from shopkeeper.errors import ConfigError, choices
from shopkeeper.evaluation.settings import MetricName

LARGER_IS_BETTER: Final = ("recall", "precision", "hit_rate", "ndcg", "mrr", "map", "revenue")
"""Metrics to tune for."""
MOST_FOR_RESULTS: Final = 15.0
"""Seconds kept for importances, plots and tables."""


@dataclass(frozen=True)
class Budget:
    """How long a search may take; the clock runs from when this is made.

    Attributes:
        minutes: Everything counts.
        trials: At most so many more trials; None for any number.
        begun: `time.monotonic()` at the beginning.
    """

    minutes: float = 10.0
    trials: int | None = None
    begun: float = field(default_factory=time.monotonic)

    @property
    def deadline(self) -> float:
        """When trials must end, by `time.monotonic()`: a tenth, at most 15 seconds, is left to write the results."""
        return self.begun + 60 * self.minutes - min(MOST_FOR_RESULTS, 6 * self.minutes)


@dataclass(frozen=True)
class Metric:
    """What is to be as large as possible on the validation part."""

    name: MetricName = "ndcg"
    k: int = 10

    @classmethod
    def parse(cls, text: str) -> Metric:
        """Reads ``ndcg@10``.

        Raises:
            ConfigError: It is no metric of which more is better.
        """
        name, _, k = text.lower().partition("@")
        if name not in LARGER_IS_BETTER or name not in get_args(MetricName):
            raise ConfigError(f"cannot tune for {text!r}", expected=choices(name, LARGER_IS_BETTER) + ", as in ndcg@10")
        if not k.isdigit() or int(k) < 1:
            raise ConfigError(f"{text!r} says no length of the list", expected="a whole number, as in ndcg@10")
        return cls(name, int(k))  # type: ignore[arg-type]

    def __str__(self) -> str:
        """As it is parsed."""
        return f"{self.name}@{self.k}"

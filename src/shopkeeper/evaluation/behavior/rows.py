"""The tidy row that every figure of a predictor is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class BehaviorRow:
    """One figure of one model.

    Attributes:
        model: Name of the model.
        part: `"validation"` or `"test"`.
        metric: Name of the figure.
        value: The figure over all pairs that the examples stand for.
        low: Lower end of the 95 % interval over shoppers; None where there is none.
        high: Upper end.
        n_examples: Number of examples behind it.
        n_positives: How many of them the target came of.
        n_shoppers: Number of their shoppers.
        group: `"all"`, `"shopper events"` (how many the shopper had before), `"before"` (what had happened between
            shopper and item) or `"behavior"` (of a model of several: which one).
        segment: Name within the group; empty for `"all"`.
    """

    model: str
    part: str
    metric: str
    value: float
    low: float | None
    high: float | None
    n_examples: int
    n_positives: int
    n_shoppers: int
    group: str = "all"
    segment: str = ""

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values."""
        return asdict(self)

"""Whether one predictor is better than another: the difference over the same resampled shoppers."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from shopkeeper.errors import DataError
from shopkeeper.evaluation.behavior.evaluate import BehaviorEvaluation
from shopkeeper.evaluation.behavior.figures import LARGER_IS_BETTER
from shopkeeper.evaluation.bootstrap import LEVEL


@dataclass(frozen=True)
class BehaviorComparison:
    """Model `a` beside model `b` in one figure.

    Attributes:
        a: The one model.
        b: The other.
        metric: Name of the figure.
        difference: That of a minus that of b.
        low: Lower end of the 95 % interval of the difference (paired bootstrap over shoppers); without resamples it
            reaches from minus to plus infinity.
        high: Upper end.
        p_value: Two-sided, from the share of resamples on the other side of zero; never below 2 / resamples.
    """

    a: str
    b: str
    metric: str
    difference: float
    low: float
    high: float
    p_value: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0

    @property
    def better(self) -> bool:
        """Whether a is the better one, be it clear or not."""
        return self.difference > 0 if self.metric in LARGER_IS_BETTER else self.difference < 0

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values; None for what is not finite."""
        fields = asdict(self)
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in fields.items()
        }


def compare_predictors(a: BehaviorEvaluation, b: BehaviorEvaluation, metric: str) -> BehaviorComparison:
    """Compares two predictors over the same resamples.

    Raises:
        DataError: They were not asked the same examples with the same resamples.
    """
    if a.asked != b.asked or a.part != b.part or a.settings != b.settings or a.figures.names != b.figures.names:
        raise DataError(
            f"{a.model} and {b.model} were asked different examples", remedy="evaluate both on the same examples"
        )
    place = a.figures.names.index(metric)
    difference = float(a.figures.values[place] - b.figures.values[place])
    moved = a.figures.resampled[:, place] - b.figures.resampled[:, place]
    moved = moved[np.isfinite(moved)]
    if len(moved) == 0:
        return BehaviorComparison(a.model, b.model, metric, difference, -math.inf, math.inf, 1.0)
    low, high = np.quantile(moved, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    beyond = min((moved <= 0).sum(), (moved >= 0).sum())
    p_value = min(1.0, 2 * max(1, int(beyond)) / len(moved))
    return BehaviorComparison(a.model, b.model, metric, difference, float(low), float(high), p_value)

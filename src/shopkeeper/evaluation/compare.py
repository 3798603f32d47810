"""Whether one model is better than another: differences shopper by shopper, with interval and p-value."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from shopkeeper.errors import DataError
from shopkeeper.evaluation.bootstrap import intervals
from shopkeeper.evaluation.evaluate import Evaluation
from shopkeeper.evaluation.values import Key
from shopkeeper.types import Float64Array


@dataclass(frozen=True)
class Comparison:
    """Model `a` beside model `b` in one metric.

    Attributes:
        a: The one model.
        b: The other.
        metric: Name of the metric.
        k: Length of the list.
        difference: Mean of a minus b over shoppers.
        low: Lower end of the 95 % interval of the difference (paired bootstrap).
        high: Upper end.
        p_value: Two-sided paired t test; 1 where no shopper differs.
        n_users: Number of shoppers who have a value under both.
    """

    a: str
    b: str
    metric: str
    k: int
    difference: float
    low: float
    high: float
    p_value: float
    n_users: int

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values."""
        return asdict(self)


def compare(a: Evaluation, b: Evaluation, n_bootstrap: int = 1000, seed: int = 0) -> tuple[Comparison, ...]:
    """Compares two models over the same shoppers, in every metric that has a value a shopper.

    Args:
        a: The one model.
        b: The other, measured on the same part.
        n_bootstrap: Resamples for the intervals.
        seed: Seed of the resamples.

    Returns:
        One comparison for each metric and k that both have.

    Raises:
        DataError: They were not asked the same shoppers, or share no metric.
    """
    if a.part != b.part or not a.user_ids.equals(b.user_ids):
        raise DataError(
            f"{a.model} and {b.model} were asked different shoppers",
            expected=f"the {a.n_users} shoppers of {a.part}",
            got=f"{b.n_users} shoppers of {b.part}",
            remedy="evaluate both on the same part with the same sample",
        )
    keys = [key for key in a.per_shopper if key in b.per_shopper]
    if not keys:
        raise DataError(f"{a.model} and {b.model} share no metric", remedy="evaluate both with the same settings")
    return tuple(_compare(a, b, key, n_bootstrap, seed) for key in keys)


def _compare(a: Evaluation, b: Evaluation, key: Key, n_bootstrap: int, seed: int) -> Comparison:
    difference = a.per_shopper[key].astype(np.float64) - b.per_shopper[key]
    difference = difference[~np.isnan(difference)]
    if len(difference) == 0:
        return Comparison(a.model, b.model, *key, 0.0, 0.0, 0.0, 1.0, 0)
    low, high = intervals(difference[:, None].astype(np.float32), n_bootstrap, seed)
    mean = float(difference.mean())
    return Comparison(
        a.model, b.model, *key, mean, float(low[0]), float(high[0]), _p_value(difference), len(difference)
    )


def _p_value(difference: Float64Array) -> float:
    """Two-sided paired t test against no difference."""
    from scipy.stats import t

    error = difference.std(ddof=1) / np.sqrt(len(difference)) if len(difference) > 1 else 0.0
    if error == 0:
        return 1.0 if len(difference) < 2 or not difference.any() else 0.0
    return float(2 * t.sf(abs(difference.mean() / error), len(difference) - 1))

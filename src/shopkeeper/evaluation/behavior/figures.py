"""All figures of examples, and how far each would move with other shoppers (percentile bootstrap, Efron 1979)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from shopkeeper.evaluation.behavior.ordering import ORDER_FIGURES, Ordering
from shopkeeper.evaluation.behavior.scored import Scored
from shopkeeper.evaluation.behavior.truth import AMOUNT_FIGURES, TRUTH_FIGURES, AmountTruth, Truth
from shopkeeper.evaluation.bootstrap import LEVEL, resampled_counts
from shopkeeper.types import Float32Array, Float64Array

CHANCE_FIGURES: Final = (*ORDER_FIGURES, *TRUTH_FIGURES)
LARGER_IS_BETTER: Final = frozenset({"auc", "pr_auc", "lift", "group_auc", "r2"})


@dataclass(frozen=True)
class Figures:
    """Figures with resamples.

    Attributes:
        names: Of the figures.
        values: float64 [figures]; NaN where there is nothing to tell.
        resampled: float64 [resamples, figures].
    """

    names: tuple[str, ...]
    values: Float64Array
    resampled: Float64Array

    def interval(self, name: str) -> tuple[float, float] | None:
        """Ends of the 95 % interval over shoppers; None without resamples that have a value."""
        column = self.resampled[:, self.names.index(name)]
        known = column[np.isfinite(column)]
        if len(known) == 0:
            return None
        low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        value = float(self.values[self.names.index(name)])
        return min(float(low), value), max(float(high), value)


def figures_of(scored: Scored, n_bootstrap: int, seed: int, amounts: bool = False) -> Figures:
    """Figures of what a model said.

    A resample draws shoppers with all their examples, not examples, which of one shopper are alike. The calibration
    error of a sample lies above the true one, and that of resamples higher still: read the upper end as a bound.

    Args:
        scored: What came and what was said.
        n_bootstrap: How many resamples.
        seed: Of the draws; the same seed and number of shoppers draw the same shoppers.
        amounts: Amounts, and not whether something came.
    """
    names = AMOUNT_FIGURES if amounts else CHANCE_FIGURES
    parts_of: Sequence[Ordering | Truth | AmountTruth] = (
        [AmountTruth(scored)] if amounts else [Ordering(scored), Truth(scored)]
    )

    def compute(counts: Float32Array) -> Float64Array:
        return np.concatenate([part.figures(counts) for part in parts_of], axis=1)

    values = compute(np.ones((1, scored.n_shoppers), dtype=np.float32))[0]
    draws = [compute(counts) for counts in resampled_counts(scored.n_shoppers, n_bootstrap, seed)]
    return Figures(names, values, np.concatenate(draws) if draws else np.zeros((0, len(names))))

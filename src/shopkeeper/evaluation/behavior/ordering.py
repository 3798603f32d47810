"""Figures of order of many resamples: examples are sorted once, a resample only changes how often each counts."""

from __future__ import annotations

import numpy as np

from shopkeeper.evaluation.behavior.scored import Scored
from shopkeeper.types import Float32Array, Float64Array

ORDER_FIGURES = ("auc", "pr_auc", "lift")
SHARE = 0.1
"""The share of all pairs, best scored first, that the lift is of."""


class Ordering:
    """Examples by falling probability.

    Args:
        scored: What came and what was said.
    """

    def __init__(self, scored: Scored) -> None:
        order = np.argsort(-scored.said, kind="stable")
        said = scored.said[order]
        self._starts = np.flatnonzero(np.diff(said, prepend=np.inf) != 0)
        """First place of each distinct probability."""
        self._tied = len(self._starts) < len(said)
        self._shopper = scored.shopper[order]
        self._weight = scored.weight[order]
        self._positive = np.flatnonzero(scored.label[order] > 0)
        self._tie_of_positive = np.searchsorted(self._starts, self._positive, side="right") - 1

    def figures(self, counts: Float32Array) -> Float64Array:
        """Figures of resamples.

        Args:
            counts: float32 [r, n_shoppers]; how often each shopper counts.

        Returns:
            float64 [r, 3] in the order of `ORDER_FIGURES`; NaN where a resample has not both labels.
        """
        return np.array([self._of_one(row) for row in counts]).reshape(len(counts), len(ORDER_FIGURES))

    def _of_one(self, count: Float32Array) -> tuple[float, float, float]:
        mass: Float64Array = count[self._shopper] * self._weight
        won = mass[self._positive]
        if self._tied:
            mass = np.add.reduceat(mass, self._starts)
        positive = np.bincount(self._tie_of_positive, won, len(mass)).astype(np.float64)
        above, found = np.cumsum(mass), np.cumsum(positive)
        total, positives = above[-1], found[-1]
        negatives = total - positives
        if positives <= 0 or negatives <= 0:
            return (float("nan"),) * 3
        there = np.flatnonzero(positive > 0)
        negative_above = above[there] - found[there]
        tie = mass[there] - positive[there]
        below = negatives - negative_above + tie / 2
        auc = (positive[there] * below).sum() / (positives * negatives)
        precision = (positive[there] * found[there] / above[there]).sum() / positives
        return float(auc), float(precision), _lift(above, found, mass, positive)


def _lift(above: Float64Array, found: Float64Array, mass: Float64Array, positive: Float64Array) -> float:
    """How many times as frequent positives are in the best share as among all; the last tie counts in part."""
    room = SHARE * above[-1]
    place = min(int(np.searchsorted(above, room)), len(above) - 1)
    within = room - (above[place] - mass[place])
    taken = found[place] - positive[place] + (positive[place] * within / mass[place] if mass[place] else 0.0)
    return float(taken / found[-1] / SHARE)

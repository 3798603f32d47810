"""The curves behind AUC, average precision and lift: what is found, and at what price, at each threshold.

Each example may stand for several (`weight`), so that a sample of the negatives speaks for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shopkeeper.types import Float32Array, Float64Array


@dataclass(frozen=True)
class Thresholds:
    """What a threshold parts, the highest first; examples of one score are never parted.

    Attributes:
        threshold: float64 [m], descending; infinity first, where nothing is taken.
        positive: float64 [m]; weight of the positives at or above it.
        negative: float64 [m]; weight of the negatives at or above it.
    """

    threshold: Float64Array
    positive: Float64Array
    negative: Float64Array

    @staticmethod
    def of(label: Float32Array, score: Float64Array, weight: Float64Array | None = None) -> Thresholds:
        """All thresholds of scores.

        Args:
            label: float32 [n]; 1 or 0.
            score: float64 [n].
            weight: float64 [n]; None weighs all alike.
        """
        weights = np.ones(len(label)) if weight is None else weight
        scores, which = np.unique(score, return_inverse=True)
        positive = np.bincount(which, weights * (label > 0), minlength=len(scores))[::-1]
        negative = np.bincount(which, weights * (label <= 0), minlength=len(scores))[::-1]
        return Thresholds(
            np.concatenate([[np.inf], scores[::-1]]),
            np.concatenate([[0.0], np.cumsum(positive)]),
            np.concatenate([[0.0], np.cumsum(negative)]),
        )

    def roc(self) -> tuple[Float64Array, Float64Array]:
        """False positive rate and true positive rate, float64 [m] each; NaN where there is no such label."""
        return _share(self.negative), _share(self.positive)

    def precision_recall(self) -> tuple[Float64Array, Float64Array]:
        """Recall and precision of all thresholds that take something, float64 [m - 1] each."""
        taken = self.positive[1:] + self.negative[1:]
        return _share(self.positive)[1:], self.positive[1:] / np.maximum(taken, np.finfo(float).tiny)

    def gain(self) -> tuple[Float64Array, Float64Array]:
        """Share of all that is taken, and share of the positives that is among it, float64 [m] each."""
        return _share(self.positive + self.negative), _share(self.positive)


def thinned(x: Float64Array, y: Float64Array, points: int) -> tuple[Float64Array, Float64Array]:
    """At most so many points of a curve, evenly along it, the ends among them; x and y are in 0 to 1."""
    if len(x) <= points:
        return x, y
    along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    places = np.searchsorted(along, np.linspace(0, along[-1], points))
    kept = np.unique(np.concatenate([[0], np.minimum(places, len(x) - 1), [len(x) - 1]]))
    return x[kept], y[kept]


def _share(cumulated: Float64Array) -> Float64Array:
    return cumulated / cumulated[-1] if cumulated[-1] > 0 else np.full(len(cumulated), np.nan)

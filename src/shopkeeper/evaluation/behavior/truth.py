"""Figures of truth: those that are ratios of sums over examples, so that a resample is a product of matrices."""

from __future__ import annotations

import numpy as np

from shopkeeper.evaluation.behavior.scored import Scored
from shopkeeper.metrics.classification import BINS, SMALLEST, auc_of_groups, calibration_bins
from shopkeeper.types import Float32Array, Float64Array

TRUTH_FIGURES = (
    "group_auc", "log_loss", "brier", "calibration_error", "sampled_log_loss", "sampled_calibration_error",
    "said_to_came",
)  # fmt: skip
"""Those with `sampled` are of the examples as they were drawn, and not of all pairs that they stand for."""
AMOUNT_FIGURES = ("rmse", "mae", "r2", "said_to_came")


class Truth:
    """Sums of a shopper of what the figures of probabilities are made of.

    Args:
        scored: What came and what was said.
    """

    def __init__(self, scored: Scored) -> None:
        label, said, weight = scored.label, scored.said, scored.weight
        drawn, drawn_weight = scored.as_sampled
        self._sums = scored.by_shopper(
            [
                weight, weight * _loss(label, said), weight * (said - label) ** 2, weight * said, weight * label,
                drawn_weight, drawn_weight * _loss(label, drawn),
            ]
        )  # fmt: skip
        self._groups = _groups(scored)
        self._bins = _by_bin(scored, said, weight)
        self._sampled_bins = _by_bin(scored, drawn, drawn_weight)

    def figures(self, counts: Float32Array) -> Float64Array:
        """Figures of resamples.

        Args:
            counts: float32 [r, n_shoppers]; how often each shopper counts.

        Returns:
            float64 [r, 7] in the order of `TRUTH_FIGURES`; NaN where there is nothing to tell.
        """
        mass, loss, square, said, came, drawn, drawn_loss = (counts @ self._sums).T
        won, size = (counts @ self._groups).T
        with np.errstate(divide="ignore", invalid="ignore"):
            columns = [
                won / size, loss / mass, square / mass,
                _calibration_error(counts @ self._bins), drawn_loss / drawn,
                _calibration_error(counts @ self._sampled_bins),
                np.where(came > 0, said / came, np.nan),
            ]  # fmt: skip
        return np.stack(columns, axis=1).astype(np.float64)


class AmountTruth:
    """The same for amounts.

    Args:
        scored: What came and what was said, as amounts.
    """

    def __init__(self, scored: Scored) -> None:
        label, weight = scored.label.astype(np.float64), scored.weight
        error = scored.said - label
        self._sums = scored.by_shopper(
            [weight, weight * error**2, weight * np.abs(error), weight * scored.said, weight * label, weight * label**2]
        )

    def figures(self, counts: Float32Array) -> Float64Array:
        """Figures of resamples, float64 [r, 4] in the order of `AMOUNT_FIGURES`; counts as of `Truth`."""
        mass, square, distance, said, came, came_square = (counts @ self._sums).T
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = came_square - came**2 / mass
            columns = [
                np.sqrt(square / mass), distance / mass, np.where(spread > 0, 1 - square / spread, np.nan),
                np.where(came > 0, said / came, np.nan),
            ]  # fmt: skip
        return np.stack(columns, axis=1).astype(np.float64)


def _loss(label: Float32Array, said: Float64Array) -> Float64Array:
    """Minus the logarithm of the probability of what came, float64 [n]."""
    likely = np.clip(said, SMALLEST, 1 - SMALLEST)
    return -np.where(label > 0, np.log(likely), np.log1p(-likely))


def _groups(scored: Scored) -> Float64Array:
    """AUC times weight, and weight, of each shopper who has both labels; float64 [n_shoppers, 2]."""
    value, size = auc_of_groups(scored.label, scored.said, scored.shopper, scored.weight)
    both = np.isfinite(value)
    there = np.unique(scored.shopper)[both]
    result = np.zeros((scored.n_shoppers, 2))
    result[there, 0], result[there, 1] = value[both] * size[both], size[both]
    return result


def _by_bin(scored: Scored, said: Float64Array, weight: Float64Array) -> Float64Array:
    """Sums of said minus came, then of weight, of each shopper and bin; float64 [n_shoppers, 2 * BINS]."""
    cell = scored.shopper * BINS + calibration_bins(said, weight)
    size = scored.n_shoppers * BINS
    error = np.bincount(cell, weight * (said - (scored.label > 0)), size).reshape(-1, BINS)
    return np.concatenate([error, np.bincount(cell, weight, size).reshape(-1, BINS)], axis=1).astype(np.float64)


def _calibration_error(sums: Float64Array) -> Float64Array:
    """Mean distance of what was said and what came over the bins, float64 [r]; from sums as of `_by_bin`."""
    result: Float64Array = np.abs(sums[:, :BINS]).sum(axis=1) / sums[:, BINS:].sum(axis=1)
    return result

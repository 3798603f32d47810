"""How good probabilities are: order (AUC, average precision, lift), and truth (log loss, calibration error).

Each example may stand for several (`weight`), so that a sample of the negatives speaks for all of them.
"""

from __future__ import annotations

import numpy as np

from shopkeeper.errors import DataError
from shopkeeper.types import Float32Array, Float64Array, Int32Array, Int64Array

SMALLEST = 1e-15
"""No event is thought less likely than this by `log_loss`."""
BINS = 15


def auc(label: Float32Array, score: Float64Array, weight: Float64Array | None = None) -> float:
    """Area under the ROC curve: the chance that a positive example scores above a negative one, ties counted half.

    Args:
        label: float32 [n]; 1 or 0.
        score: float64 [n]; any numbers that rise with the chance.
        weight: float64 [n]; None weighs all alike.

    Returns:
        0 to 1; NaN where there are not both labels.
    """
    positive, negative = _by_score(label, score, weight)
    below = np.cumsum(negative) - negative
    pairs = positive.sum() * negative.sum()
    return float((positive * (below + negative / 2)).sum() / pairs) if pairs else float("nan")


def average_precision(label: Float32Array, score: Float64Array, weight: Float64Array | None = None) -> float:
    """Area under the precision-recall curve, by steps without interpolation; arguments as of `auc`.

    Returns:
        0 to 1; NaN where there is no positive.
    """
    positive, negative = _by_score(label, score, weight)
    found = np.cumsum(positive[::-1])
    if len(found) == 0 or found[-1] == 0:
        return float("nan")
    precision = found / np.maximum(found + np.cumsum(negative[::-1]), np.finfo(float).tiny)
    return float((positive[::-1] * precision).sum() / found[-1])


def group_auc(
    label: Float32Array, score: Float64Array, group: Int32Array | Int64Array, weight: Float64Array | None = None
) -> float:
    """Mean of the AUC of each group, a shopper say, weighted by its number of examples.

    Groups without both labels say nothing and are left out. Zhu et al. (2017), Optimized cost per click in Taobao.

    Args:
        label: float32 [n].
        score: float64 [n].
        group: int [n].
        weight: float64 [n] or None.

    Returns:
        0 to 1; NaN where no group has both.
    """
    value, size = auc_of_groups(label, score, group, weight)
    both = np.isfinite(value)
    return float(np.average(value[both], weights=size[both])) if both.any() else float("nan")


def auc_of_groups(
    label: Float32Array, score: Float64Array, group: Int32Array | Int64Array, weight: Float64Array | None = None
) -> tuple[Float64Array, Float64Array]:
    """AUC and weight of each group, in ascending order of the groups; arguments as of `group_auc`.

    Returns:
        float64 [groups] each; the AUC is NaN where a group has not both labels.
    """
    order = np.lexsort((score, group))
    weights = np.ones(len(label)) if weight is None else weight
    label, group, score, weights = label[order], group[order], score[order], weights[order]
    positive, negative = weights * (label > 0), weights * (label <= 0)
    new_group = np.diff(group, prepend=group[:1] - 1) != 0
    starts = np.flatnonzero(new_group)
    number = np.cumsum(new_group) - 1
    tie = np.cumsum(new_group | (np.diff(score, prepend=np.nan) != 0)) - 1
    before = np.cumsum(negative) - negative
    tied = np.bincount(tie, negative) if len(tie) else np.zeros(0)
    first = np.flatnonzero(np.diff(tie, prepend=-1))
    below = before[first][tie] - before[starts][number] + tied[tie] / 2
    won = np.add.reduceat(positive * below, starts) if len(starts) else np.zeros(0)
    pairs = np.bincount(number, positive) * np.bincount(number, negative)
    value = np.full(len(starts), np.nan)
    np.divide(won, pairs, out=value, where=pairs > 0)
    return value, np.bincount(number, weights).astype(np.float64)


def log_loss(label: Float32Array, probability: Float64Array, weight: Float64Array | None = None) -> float:
    """Mean of minus the logarithm of the probability of what came; arguments as of `auc`."""
    likely = np.clip(probability.astype(np.float64), SMALLEST, 1 - SMALLEST)
    losses = -np.where(label > 0, np.log(likely), np.log1p(-likely))
    return float(np.average(losses, weights=weight))


def brier(label: Float32Array, probability: Float64Array, weight: Float64Array | None = None) -> float:
    """Mean squared difference of the probability and what came; arguments as of `auc`."""
    return float(np.average((probability - label) ** 2, weights=weight))


def calibration_curve(
    label: Float32Array, probability: Float64Array, weight: Float64Array | None = None, bins: int = BINS
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Mean probability, share of positives, and weight of bins of about the same weight, lowest probabilities first.

    Examples of the same probability are never parted, so that there may be fewer bins.

    Returns:
        float64 [bins] each.
    """
    weights = np.ones(len(label)) if weight is None else weight
    which = calibration_bins(probability, weights, bins)
    mass = np.bincount(which, weights, minlength=bins).astype(np.float64)
    kept = mass > 0
    said = np.bincount(which, weights * probability, minlength=bins)[kept] / mass[kept]
    came = np.bincount(which, weights * (label > 0), minlength=bins)[kept] / mass[kept]
    return said, came, np.asarray(mass[kept], dtype=np.float64)


def calibration_bins(probability: Float64Array, weight: Float64Array, bins: int = BINS) -> Int64Array:
    """The bin of each example, int64 [n] in 0 to bins - 1: of about the same weight, lowest probabilities first."""
    order = np.argsort(probability, kind="stable")
    value, share = probability[order], weight[order]
    _, first, tie = np.unique(value, return_index=True, return_inverse=True)
    middle = np.cumsum(share) - share / 2
    part = middle[first][tie] / max(share.sum(), np.finfo(float).tiny)
    which = np.empty(len(order), dtype=np.int64)
    which[order] = np.minimum((part * bins).astype(np.int64), bins - 1)
    return which


def calibration_error(
    label: Float32Array, probability: Float64Array, weight: Float64Array | None = None, bins: int = BINS
) -> float:
    """Expected calibration error: mean distance of the probability and the share of positives, over equal bins.

    Nguyen and O'Connor (2015), Posterior calibration and exploratory analysis; Naeini et al. (2015).
    """
    said, came, mass = calibration_curve(label, probability, weight, bins)
    return float(np.average(np.abs(said - came), weights=mass))


def lift(label: Float32Array, score: Float64Array, share: float = 0.1, weight: Float64Array | None = None) -> float:
    """How many times as frequent positives are in the best-scored share as among all.

    Where the share ends within examples of one score, they count in part.

    Args:
        label: float32 [n].
        score: float64 [n].
        share: Of the whole weight, above 0 and at most 1.
        weight: float64 [n] or None.

    Returns:
        0 to 1 / share; NaN where there is no positive.
    """
    positive, negative = _by_score(label, score, weight)
    positive, mass = positive[::-1], (positive + negative)[::-1]
    if positive.sum() == 0:
        return float("nan")
    room = share * mass.sum() - (np.cumsum(mass) - mass)
    taken = np.clip(room / mass, 0, 1)
    return float((positive * taken).sum() / positive.sum() / share)


def _by_score(
    label: Float32Array, score: Float64Array, weight: Float64Array | None
) -> tuple[Float64Array, Float64Array]:
    """Weight of positives and of negatives of each distinct score, ascending.

    Raises:
        DataError: A score is not a number.
    """
    if np.isnan(score).any():
        raise DataError("a score is not a number", expected="finite scores")
    weights = np.ones(len(label)) if weight is None else weight
    scores, which = np.unique(score, return_inverse=True)
    positive = np.bincount(which, weights * (label > 0), minlength=len(scores)).astype(np.float64)
    negative = np.bincount(which, weights * (label <= 0), minlength=len(scores)).astype(np.float64)
    return positive, negative

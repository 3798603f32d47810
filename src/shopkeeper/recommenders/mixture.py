"""Mixtures of recommenders as probabilities: what each says of the next item, made comparable and added up.

Scores become probabilities by a softmax of logits, or of the logarithm of amounts, whose sharpness is fitted: below 1
it flattens what is too sure of itself. Sharpness and weights are those under which the held-out targets are most
probable. For given sharpness the weights are the fixed point of expectation maximization (Dempster et al. 1977), which
is their one optimum.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from shopkeeper.types import BoolArray, Float32Array, Float64Array, Int64Array

SHARPNESS: Final = (0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0)
"""Values that are tried."""
SMALLEST: Final = 1e-9
"""Of a target that no member holds possible."""
ROUNDS: Final = 200
"""Steps of expectation maximization, at most."""


def log_scores(scores: Float32Array, logits: bool, hidden: BoolArray | None = None) -> Float32Array:
    """Scores on the scale of logarithms.

    Args:
        scores: float32 [b, n_items + 1].
        logits: Whether they are logarithms already; of amounts the logarithm is taken.
        hidden: bool of the same shape; what does not count, or None. Column 0 never does.

    Returns:
        float32 of that shape, minus infinity where nothing is said; its largest value in a row is 0.
    """
    scores = np.array(scores, dtype=np.float32)
    if not logits:
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = np.where(scores > 0, np.log(scores), -np.inf).astype(np.float32)
    scores[:, 0] = -np.inf
    if hidden is not None:
        scores[hidden] = -np.inf
    largest = scores.max(axis=1, keepdims=True)
    scores -= np.where(np.isfinite(largest), largest, 0)
    return scores


def probabilities(scores: Float32Array, sharpness: float) -> Float32Array:
    """What `log_scores` gave as probabilities; rows in which nothing is said are zeros."""
    values: Float32Array = np.exp(scores * np.float32(sharpness))
    values /= np.maximum(values.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return values


def normalizers(scores: Float32Array) -> Float64Array:
    """What `log_scores` gave, added up as amounts at every sharpness that is tried: float64 [b, len(SHARPNESS)]."""
    sums = [np.exp(scores * np.float32(sharpness)).sum(axis=1, dtype=np.float64) for sharpness in SHARPNESS]
    return np.stack(sums, axis=1)


def at_targets(scores: Float32Array, sums: Float64Array, rows: Int64Array, items: Int64Array) -> Float64Array:
    """Probabilities of targets for every sharpness that is tried.

    Args:
        scores: What `log_scores` gave, float32 [b, n_items + 1].
        sums: What `normalizers` gave, float64 [b, len(SHARPNESS)].
        rows: int64 [n]; row of each target.
        items: int64 [n].

    Returns:
        float64 [n, len(SHARPNESS)].
    """
    wanted = np.exp(scores[rows, items].astype(np.float64)[:, None] * np.array(SHARPNESS))
    found: Float64Array = wanted / np.maximum(sums[rows], np.finfo(np.float64).tiny)
    return found


def fit_mixture(targets: Float64Array, shares: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Weights and sharpness under which the targets are most probable.

    Args:
        targets: float64 [n, members, len(SHARPNESS)]; probability of each target by each member.
        shares: float64 [n]; how much each target counts.

    Returns:
        Weights, float64 [members], which sum to 1, and the sharpness of each, float64 [members].
    """
    n_members = targets.shape[1]
    places = np.full(n_members, SHARPNESS.index(1.0))
    for member in range(n_members):
        alone = np.log(np.maximum(targets[:, member], SMALLEST))
        places[member] = int(np.argmax(shares @ alone))
    weights, best = _fit_weights(_chosen(targets, places), shares)
    improved = n_members > 1
    while improved:
        improved = False
        for member in range(n_members):
            for place in (places[member] - 1, places[member] + 1):
                if not 0 <= place < len(SHARPNESS):
                    continue
                tried = places.copy()
                tried[member] = place
                found, reached = _fit_weights(_chosen(targets, tried), shares)
                if reached > best + 1e-6:
                    weights, best, places, improved = found, reached, tried, True
    return weights, np.array(SHARPNESS)[places]


def _chosen(targets: Float64Array, places: Int64Array) -> Float64Array:
    """float64 [n, members]; probabilities at one sharpness for each member."""
    return np.maximum(np.take_along_axis(targets, places[None, :, None], axis=2)[:, :, 0], SMALLEST)


def _fit_weights(targets: Float64Array, shares: Float64Array) -> tuple[Float64Array, float]:
    """The best weights for probabilities [n, members], and the mean log-likelihood that they reach."""
    weights = np.full(targets.shape[1], 1 / targets.shape[1])
    shares = shares / shares.sum()
    for _ in range(ROUNDS):
        parts = targets * weights
        moved = shares @ (parts / parts.sum(axis=1, keepdims=True))
        done = np.abs(moved - weights).max() < 1e-5
        weights = moved
        if done:
            break
    return weights, float(shares @ np.log(targets @ weights))

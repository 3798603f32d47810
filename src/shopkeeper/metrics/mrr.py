"""Reciprocal rank at k: one over the place of the first hit."""

from __future__ import annotations

import numpy as np

from shopkeeper.types import Float64Array, Int64Array


def mrr(ranks: Float64Array, rows: Int64Array, n_relevant: Int64Array, k: int) -> Float64Array:
    """Reciprocal rank at k of each shopper; its mean is the MRR.

    Args:
        ranks: float64 [t]; rank of each target, from 1, infinity for one that cannot come out.
        rows: int64 [t]; the shopper of each target.
        n_relevant: int64 [n]; number of targets of each shopper.
        k: Length of the list.

    Returns:
        float64 [n] in 0 to 1; 0 where no target is among the first k.
    """
    best = np.zeros(len(n_relevant))
    np.maximum.at(best, rows, np.where(ranks <= k, 1 / ranks, 0.0))
    return best

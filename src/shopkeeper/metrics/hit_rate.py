"""Hit rate at k: whether at least one thing that a shopper wanted is in the list."""

from __future__ import annotations

import numpy as np

from shopkeeper.metrics.per_shopper import hits
from shopkeeper.types import Float64Array, Int64Array


def hit_rate(ranks: Float64Array, rows: Int64Array, n_relevant: Int64Array, k: int) -> Float64Array:
    """1 where a target is among the first k, else 0.

    Args:
        ranks: float64 [t]; rank of each target, from 1, infinity for one that cannot come out.
        rows: int64 [t]; the shopper of each target.
        n_relevant: int64 [n]; number of targets of each shopper.
        k: Length of the list.

    Returns:
        float64 [n], 0 or 1.
    """
    return (hits(ranks, rows, len(n_relevant), k) > 0).astype(np.float64)

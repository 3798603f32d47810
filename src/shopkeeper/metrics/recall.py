"""Recall at k: which share of what a shopper wanted is in the list."""

from __future__ import annotations

import numpy as np

from shopkeeper.metrics.per_shopper import hits
from shopkeeper.types import Float64Array, Int64Array


def recall(ranks: Float64Array, rows: Int64Array, n_relevant: Int64Array, k: int) -> Float64Array:
    """Recall at k of each shopper.

    Args:
        ranks: float64 [t]; rank of each target, from 1, infinity for one that cannot come out.
        rows: int64 [t]; the shopper of each target.
        n_relevant: int64 [n]; number of targets of each shopper, the unreachable ones too.
        k: Length of the list.

    Returns:
        float64 [n] in 0 to 1; 0 for a shopper without targets.
    """
    return hits(ranks, rows, len(n_relevant), k) / np.maximum(n_relevant, 1)

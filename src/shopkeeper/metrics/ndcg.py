"""NDCG at k with binary relevance (Järvelin and Kekäläinen 2002): hits count less the further down they stand."""

from __future__ import annotations

import numpy as np

from shopkeeper.metrics.per_shopper import sum_by_row
from shopkeeper.types import Float64Array, Int64Array


def ndcg(ranks: Float64Array, rows: Int64Array, n_relevant: Int64Array, k: int) -> Float64Array:
    """Normalized discounted cumulative gain at k of each shopper: 1 / log2(1 + rank) summed over hits, over the best.

    Args:
        ranks: float64 [t]; rank of each target, from 1, infinity for one that cannot come out.
        rows: int64 [t]; the shopper of each target.
        n_relevant: int64 [n]; number of targets of each shopper, the unreachable ones too.
        k: Length of the list.

    Returns:
        float64 [n] in 0 to 1; 0 for a shopper without targets.
    """
    gain = np.where(ranks <= k, 1 / np.log2(1 + ranks), 0.0)
    best = np.concatenate([[0.0], np.cumsum(1 / np.log2(2 + np.arange(k)))])[np.minimum(n_relevant, k)]
    return sum_by_row(rows, gain, len(n_relevant)) / np.where(best > 0, best, 1.0)

"""Precision at k: which share of the list a shopper wanted."""

from __future__ import annotations

from shopkeeper.metrics.per_shopper import hits
from shopkeeper.types import Float64Array, Int64Array


def precision(ranks: Float64Array, rows: Int64Array, n_relevant: Int64Array, k: int) -> Float64Array:
    """Precision at k of each shopper; a list shorter than k counts as padded with misses.

    Args:
        ranks: float64 [t]; rank of each target, from 1, infinity for one that cannot come out.
        rows: int64 [t]; the shopper of each target.
        n_relevant: int64 [n]; number of targets of each shopper.
        k: Length of the list.

    Returns:
        float64 [n] in 0 to 1.
    """
    return hits(ranks, rows, len(n_relevant), k) / k

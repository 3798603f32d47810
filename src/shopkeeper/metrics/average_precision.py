"""Average precision at k: the precision at the place of each hit, averaged over all that a shopper wanted.

The denominator is the number of targets, as in TREC's `map_cut`, not the smaller of that and k.
"""

from __future__ import annotations

import numpy as np

from shopkeeper.metrics.per_shopper import sum_by_row
from shopkeeper.types import Float64Array, Int64Array


def average_precision(ranks: Float64Array, rows: Int64Array, n_relevant: Int64Array, k: int) -> Float64Array:
    """Average precision at k of each shopper; its mean is the MAP.

    Args:
        ranks: float64 [t]; rank of each target, from 1, infinity for one that cannot come out.
        rows: int64 [t]; the shopper of each target.
        n_relevant: int64 [n]; number of targets of each shopper, the unreachable ones too.
        k: Length of the list.

    Returns:
        float64 [n] in 0 to 1; 0 for a shopper without targets.
    """
    order = np.lexsort((ranks, rows))
    rows, ranks = rows[order], ranks[order]
    starts = np.searchsorted(rows, np.arange(len(n_relevant)))
    place = np.arange(1, len(rows) + 1) - starts[rows]
    gain = np.where(ranks <= k, place / ranks, 0.0)
    return sum_by_row(rows, gain, len(n_relevant)) / np.maximum(n_relevant, 1)

"""Light variety: an item counts a little less for each item of its category or brand that stands before it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shopkeeper.types import Float32Array, Int32Array, Int64Array


def diversify(
    scores: Float32Array, groups: Sequence[tuple[Int32Array, float]], k: int
) -> tuple[Int64Array, Float32Array]:
    """Chooses items one by one, each time the one whose score is highest after the discounts.

    Args:
        scores: float32 [m], positive.
        groups: For each kind of group the group of every item, int32 [m] with -1 for none, and the factor by which
            an item counts less for each one of its group that was chosen before; 1 changes nothing.
        k: How many to choose.

    Returns:
        Places int64 [min(k, m)] in the order chosen, and the scores that they were chosen by, descending.
    """
    k = min(k, len(scores))
    groups = [(group, factor) for group, factor in groups if factor < 1]
    if not groups:
        order = np.argsort(-scores, kind="stable")[:k]
        return order, scores[order]
    left = scores.astype(np.float32, copy=True)
    chosen = np.zeros(k, dtype=np.int64)
    values = np.zeros(k, dtype=np.float32)
    for place in range(k):
        best = int(left.argmax())
        chosen[place], values[place] = best, left[best]
        left[best] = -np.inf
        for group, factor in groups:
            if group[best] >= 0:
                left[group == group[best]] *= factor
    return chosen, values

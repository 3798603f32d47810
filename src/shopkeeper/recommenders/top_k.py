"""The best k of a row of scores, exactly, with ties broken by the smaller index."""

from __future__ import annotations

import numpy as np

from shopkeeper.types import Float32Array, Int32Array

SCORE_BYTES = 64 << 20
"""Scores of a batch take at most about this many bytes, whatever the size of the catalog."""
CACHED_BYTES = 8 << 20
"""Scores of so many bytes are read again faster than larger ones, and their memory is used again for the next batch."""
FEWEST_ROWS = 32
"""Fewer shoppers at once do not share the cost of reading the catalog; one that is too large for so many gets fewer."""


def rows_at_once(n_items: int) -> int:
    """How many shoppers are scored at once so that memory does not grow with the catalog."""
    row = 4 * (n_items + 1)
    return max(1, min(4096, CACHED_BYTES // row), min(FEWEST_ROWS, SCORE_BYTES // row))


def top_k(scores: Float32Array, k: int) -> tuple[Int32Array, Float32Array]:
    """The k best columns of each row.

    Args:
        scores: float32 [n, columns]; columns of minus infinity are never chosen.
        k: How many, at most the number of columns.

    Returns:
        Indices int32 [n, k], best first, 0 where fewer than k are above minus infinity, and their scores.
    """
    k = min(k, scores.shape[1])
    chosen = _best(scores, k) if k < scores.shape[1] else np.tile(np.arange(k, dtype=np.int32), (len(scores), 1))
    values = np.take_along_axis(scores, chosen, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    chosen = np.take_along_axis(chosen, order, axis=1)
    values = np.take_along_axis(values, order, axis=1)
    return np.where(np.isneginf(values), 0, chosen).astype(np.int32), values


def _best(scores: Float32Array, k: int) -> Int32Array:
    """The k best columns of each row in ascending order: of those equal to the last one, the leftmost."""
    chosen = np.argpartition(scores, -k, axis=1)[:, -k:]
    values = np.take_along_axis(scores, chosen, axis=1)
    threshold = values.min(axis=1, keepdims=True)
    torn = np.flatnonzero((scores == threshold).sum(axis=1) > (values == threshold).sum(axis=1))
    if len(torn):
        chosen[torn] = _leftmost(scores[torn], threshold[torn], k)
    return np.sort(chosen, axis=1).astype(np.int32)


def _leftmost(scores: Float32Array, threshold: Float32Array, k: int) -> Int32Array:
    """Columns above the threshold, and as many of those equal to it, from the left, as make k."""
    above = scores > threshold
    equal = scores == threshold
    room = k - above.sum(axis=1, keepdims=True)
    chosen = above | (equal & (np.cumsum(equal, axis=1) <= room))
    return np.nonzero(chosen)[1].astype(np.int32).reshape(len(scores), k)

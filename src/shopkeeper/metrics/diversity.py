"""Diversity within a list (Ziegler et al. 2005): how unlike its items are, by category or by vectors."""

from __future__ import annotations

import numpy as np

from shopkeeper.types import Float32Array, Float64Array, Int32Array


def category_diversity(lists: Int32Array, category: Int32Array) -> Float64Array:
    """Share of the pairs of a list that differ in category; pairs with an unknown category do not count.

    Args:
        lists: int32 [n, k]; items from 1, 0 where a list is shorter.
        category: int32 [n_items + 1]; a number for each category, 0 for unknown; place 0 is 0.

    Returns:
        float64 [n] in 0 to 1; NaN for a list without a pair of known categories.
    """
    of_place = np.where(lists > 0, category[lists], 0)
    pairs, unlike = np.zeros(len(lists)), np.zeros(len(lists))
    for distance in range(1, lists.shape[1]):
        first, second = of_place[:, :-distance], of_place[:, distance:]
        known = (first > 0) & (second > 0)
        pairs += np.count_nonzero(known, axis=1)
        unlike += np.count_nonzero(known & (first != second), axis=1)
    return np.where(pairs > 0, unlike / np.maximum(pairs, 1), np.nan)


def vector_diversity(lists: Int32Array, vectors: Float32Array) -> Float64Array:
    """Mean cosine distance (1 - cosine) over the pairs of each list.

    The mean over all pairs follows from the length of the sum of unit vectors, without forming the pairs.

    Args:
        lists: int32 [n, k]; items from 1, 0 where a list is shorter.
        vectors: float32 [n_items + 1, d]; vectors of length zero are unknown and do not count.

    Returns:
        float64 [n] in 0 to 2; NaN for a list of fewer than two known vectors.
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    known = length[:, 0] > 0
    known[0] = False
    total = np.zeros((len(lists), vectors.shape[1]))
    n_known = np.zeros(len(lists))
    for place in range(lists.shape[1]):
        items = lists[:, place]
        total += np.where(known[items, None], unit[items], 0.0)
        n_known += known[items]
    pairs = n_known * (n_known - 1)
    cosine = (np.square(total).sum(axis=1) - n_known) / np.where(pairs > 0, pairs, 1.0)
    return np.where(pairs > 0, 1 - cosine, np.nan)

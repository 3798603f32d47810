"""The answer for what a model has nothing to say about: the most popular items, below everything it has scored."""

from __future__ import annotations

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.recommenders.influence import capped_counts
from shopkeeper.types import BoolArray, Float32Array

FALLBACK = "MostPopular"
"""The source that answers name for these items."""


def fallback_scores(train: Dataset) -> Float32Array:
    """float32 [n_items + 1], from -2 for the least popular item up to -1 for the most popular one."""
    counts = capped_counts(train)
    order = np.argsort(-counts[1:], kind="stable")
    place = np.empty(train.n_items, dtype=np.float64)
    place[order] = np.arange(train.n_items)
    return np.concatenate([[-2], -1 - place / train.n_items]).astype(np.float32)


def fill_in(scores: Float32Array, fallback: Float32Array) -> BoolArray:
    """Puts the fallback below the lowest score of each row where the row says minus infinity, in place.

    Args:
        scores: float32 [b, n_items + 1].
        fallback: float32 [n_items + 1], negative.

    Returns:
        Where it did, bool of the shape of `scores`.
    """
    if scores.min(initial=0.0) > -np.inf:
        return np.zeros(scores.shape, dtype=bool)
    silent: BoolArray = np.isneginf(scores)
    floor = np.min(scores, axis=1, initial=0.0, where=~silent, keepdims=True)
    np.copyto(scores, floor + fallback, where=silent)
    return silent

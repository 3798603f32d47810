"""Nearest neighbors by a feature, exactly, for a person to judge and for a figure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from shopkeeper.features.feature import Feature
from shopkeeper.types import Float32Array, Int64Array

CELLS: Final = 1 << 24
"""Similarities held at a time."""


def nearest(feature: Feature, items: Int64Array, k: int) -> tuple[Int64Array, Float32Array]:
    """The most similar other items by cosine.

    Args:
        feature: Of unit rows or not.
        items: int64 [n]; indices of items to ask for.
        k: How many.

    Returns:
        Indices int64 [n, k], the nearest first, of two equally near the one of the lower index, and their cosines
        float32 [n, k]. Of those equally near at the end of the list any may come. Where fewer items have the feature,
        or the asked one has not, index 0 and minus infinity.
    """
    matrix = np.asarray(feature.matrix, dtype=np.float32)
    lengths = np.maximum(np.linalg.norm(matrix, axis=1), np.finfo(np.float32).tiny)
    found = np.zeros((len(items), k), dtype=np.int64)
    cosines = np.full((len(items), k), -np.inf, dtype=np.float32)
    taken = min(k, len(matrix))
    for start, part in _blocks(items, len(matrix)):
        scores = (matrix[part] / lengths[part, None]) @ matrix.T / lengths
        scores[:, ~feature.known] = -np.inf
        scores[np.arange(len(part)), part] = -np.inf
        scores[~feature.known[part]] = -np.inf
        best = np.sort(np.argpartition(-scores, taken - 1, axis=1)[:, :taken], axis=1)
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
        best = np.take_along_axis(best, order, axis=1)
        values = np.take_along_axis(scores, best, axis=1)
        rows = slice(start, start + len(part))
        found[rows, :taken] = np.where(np.isfinite(values), best, 0)
        cosines[rows, :taken] = values
    return found, cosines


def purity(feature: Feature, labels: Int64Array, items: Int64Array, k: int) -> float:
    """Share of nearest neighbors that have the label of the item asked for.

    Args:
        feature: By which items are near.
        labels: int64 [n_items + 1]; 0 for none.
        items: int64 [n]; indices of items to ask for; those without a label or the feature are passed over.
        k: Neighbors of each.

    Returns:
        Between 0 and 1; NaN where nobody could be asked.
    """
    asked = items[(labels[items] > 0) & feature.known[items]]
    found, _ = nearest(feature, asked, k)
    same = (labels[found] == labels[asked][:, None]) & (found > 0)
    counted = int((found > 0).sum())
    return float(same.sum() / counted) if counted else float("nan")


def _blocks(items: Int64Array, width: int) -> Iterator[tuple[int, Int64Array]]:
    rows = max(1, CELLS // max(1, width))
    for start in range(0, len(items), rows):
        yield start, items[start : start + rows]

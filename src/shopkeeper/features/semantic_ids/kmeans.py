"""k-means over vectors: distances in blocks, centers where none is empty."""

from __future__ import annotations

from typing import Final

import numpy as np

from shopkeeper.types import Float32Array, Int64Array

BLOCK_BYTES: Final = 32 << 20
"""Distances of one block of vectors take at most about this many bytes."""


def nearest(vectors: Float32Array, centers: Float32Array) -> tuple[Int64Array, Float32Array]:
    """The nearest center of each vector; the first of several that are equally near.

    Args:
        vectors: float32 [n, size].
        centers: float32 [k, size].

    Returns:
        int64 [n], and the squared distances to them, float32 [n].
    """
    rows = max(1, BLOCK_BYTES // (4 * len(centers)))
    own = np.einsum("ij,ij->i", centers, centers)
    found = np.empty(len(vectors), dtype=np.int64)
    distance = np.empty(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors), rows):
        block = vectors[start : start + rows]
        parts = own - 2 * (block @ centers.T)
        place = parts.argmin(axis=1)
        found[start : start + rows] = place
        distance[start : start + rows] = np.take_along_axis(parts, place[:, None], axis=1)[:, 0] + np.einsum(
            "ij,ij->i", block, block
        )
    return found, np.maximum(distance, 0)


def kmeans(vectors: Float32Array, k: int, iterations: int = 50, seed: int = 0) -> Float32Array:
    """Centers by Lloyd's algorithm, from a start by k-means++ (Arthur and Vassilvitskii 2007).

    A center that no vector is nearest to moves to the vector that lies farthest from its own.

    Args:
        vectors: float32 [n, size], n at least 1.
        k: Number of centers; with fewer different vectors several are equal.
        iterations: At most so many; fewer where no vector changes its center.
        seed: Of the start.

    Returns:
        float32 [k, size].
    """
    centers = _spread(vectors, k, np.random.default_rng(seed))
    before = None
    for _ in range(iterations):
        place, distance = nearest(vectors, centers)
        if before is not None and np.array_equal(place, before):
            break
        before = place
        centers = _means(vectors, place, distance, centers)
    return centers


def _spread(vectors: Float32Array, k: int, generator: np.random.Generator) -> Float32Array:
    """Starts far from each other: each drawn in proportion to its squared distance to those before it."""
    centers = np.empty((k, vectors.shape[1]), dtype=np.float32)
    centers[0] = vectors[generator.integers(len(vectors))]
    distance = nearest(vectors, centers[:1])[1].astype(np.float64)
    for place in range(1, k):
        total = distance.sum()
        chance = distance / total if total > 0 else None
        centers[place] = vectors[generator.choice(len(vectors), p=chance)]
        distance = np.minimum(distance, nearest(vectors, centers[place : place + 1])[1])
    return centers


def _means(vectors: Float32Array, place: Int64Array, distance: Float32Array, centers: Float32Array) -> Float32Array:
    k = len(centers)
    counts = np.bincount(place, minlength=k)
    order = np.argsort(place, kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    used = counts > 0
    found = np.empty_like(centers)
    found[used] = np.add.reduceat(vectors[order], starts[used], axis=0) / counts[used, None]
    empty = np.flatnonzero(~used)
    farthest = np.argsort(-distance, kind="stable")[: len(empty)]
    found[empty[: len(farthest)]] = vectors[farthest]
    found[empty[len(farthest) :]] = centers[empty[len(farthest) :]]
    return found

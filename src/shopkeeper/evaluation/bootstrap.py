"""Percentile bootstrap over shoppers (Efron 1979): how far a mean would move with other shoppers.

A resample is a vector of counts (how often each shopper is drawn), so that the means of all metrics over one resample
are a product of matrices, and all metrics see the same resamples.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from shopkeeper.types import Float32Array, Float64Array

CHUNK_BYTES = 32 << 20
"""Counts held at once."""
LEVEL = 0.95
"""Coverage of the intervals."""


def resampled_means(values: Float32Array, n_resamples: int, seed: int) -> Float64Array:
    """Means of columns over resampled shoppers.

    Args:
        values: float32 [n, columns], n at least 1; NaN where a shopper has no value, such shoppers do not count.
        n_resamples: How many resamples.
        seed: Seed of the draws; the same seed and n draw the same shoppers.

    Returns:
        float64 [n_resamples, columns].
    """
    n = len(values)
    known = ~np.isnan(values)
    complete = bool(known.all())
    filled = values if complete else np.where(known, values, np.float32(0))
    means = np.empty((n_resamples, values.shape[1]))
    start = 0
    for counts in resampled_counts(n, n_resamples, seed):
        drawn = np.float32(n) if complete else np.maximum(counts @ known.astype(np.float32), 1)
        means[start : start + len(counts)] = (counts @ filled) / drawn
        start += len(counts)
    return means


def resampled_counts(n: int, n_resamples: int, seed: int) -> Iterator[Float32Array]:
    """How often each shopper is drawn, for some resamples at a time.

    Args:
        n: Number of shoppers, at least 1.
        n_resamples: How many resamples.
        seed: Seed of the draws; the same seed and n draw the same shoppers.

    Yields:
        float32 [some resamples, n]; all of them together are `n_resamples` rows.
    """
    rng = np.random.default_rng(seed)
    size = max(1, min(n_resamples, CHUNK_BYTES // (4 * n)))
    for start in range(0, n_resamples, size):
        counts = np.empty((min(size, n_resamples - start), n), dtype=np.float32)
        for row in counts:
            row[:] = np.bincount(rng.integers(0, n, n, dtype=np.int32), minlength=n)
        yield counts


def intervals(values: Float32Array, n_resamples: int, seed: int) -> tuple[Float64Array, Float64Array]:
    """Lower and upper ends of the 95 % intervals of the means of columns.

    Args:
        values: float32 [n, columns].
        n_resamples: How many resamples.
        seed: Seed of the draws.

    Returns:
        float64 [columns] each.
    """
    means = resampled_means(values, n_resamples, seed)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high

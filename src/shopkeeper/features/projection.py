"""Vectors on a plane for a person to look at: near in the plane means near as vectors, far means little.

t-SNE (van der Maaten and Hinton 2008) of the leading principal components where scikit-learn is installed, else the
first two components themselves.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from shopkeeper.types import Float32Array, Float64Array

COMPONENTS: Final = 50
"""Principal components that t-SNE gets: what is beyond them is mostly noise, and time."""
PERPLEXITY: Final = 30.0
FEWEST: Final = 8
"""Below so many vectors there is no neighborhood to keep."""


def on_a_plane(vectors: Float32Array, seed: int = 0) -> tuple[Float32Array, str]:
    """Places of vectors on a plane.

    Args:
        vectors: float32 [n, width]; they are brought to unit length. A few thousand, t-SNE takes seconds for them.
        seed: Of t-SNE.

    Returns:
        float32 [n, 2] between 0 and 1, and what made them: ``"t-SNE"`` or ``"principal components"``.
    """
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    parts = _components((vectors / lengths).astype(np.float64))
    found = _tsne(parts, seed) if len(vectors) >= FEWEST else None
    name = "principal components" if found is None else "t-SNE"
    places = parts[:, :2] if found is None else found
    low, high = places.min(axis=0, initial=np.inf), places.max(axis=0, initial=-np.inf)
    spread = np.where(high > low, high - low, 1)
    return ((places - low) / spread).astype(np.float32), name


def _components(vectors: Float64Array) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The leading principal components, float64 [n, at least 2]."""
    centered = vectors - vectors.mean(axis=0) if len(vectors) else vectors
    left, strength, _ = np.linalg.svd(centered, full_matrices=False)
    parts = left[:, :COMPONENTS] * strength[:COMPONENTS]
    return np.pad(parts, ((0, 0), (0, max(0, 2 - parts.shape[1]))))


def _tsne(parts: Float64Array, seed: int) -> Float64Array | None:
    """Places by t-SNE, float64 [n, 2]; None without scikit-learn."""
    try:
        from sklearn.manifold import TSNE
    except ImportError:
        return None
    perplexity = min(PERPLEXITY, (len(parts) - 1) / 3)
    start = parts[:, :2] / max(float(parts[:, 0].std()), np.finfo(float).tiny) * 1e-4
    placed = TSNE(perplexity=perplexity, init=start, random_state=seed, n_jobs=1).fit_transform(parts)
    return np.asarray(placed, dtype=np.float64)

"""Inner products that are the same whoever asks beside: summed in float64, rounded to float32 once.

The last digits of a sum in float32 hang on the order in which a processor adds, and that on the shape of the batch
and on the number of threads. Two items of almost one score would change places with who else asks.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from shopkeeper.types import Float32Array, Float64Array

BLOCK: Final = 8192
"""So many rows are widened to float64 at a time; they stay in the processor's cache."""


def inner_products(left: Float64Array, rows: Float32Array) -> Float32Array:
    """Inner products of a few vectors, float64 [b, d], with many rows, float32 [n, d]: float32 [b, n]."""
    products = np.empty((len(left), len(rows)), dtype=np.float32)
    for start in range(0, len(rows), BLOCK):
        products[:, start : start + BLOCK] = left @ rows[start : start + BLOCK].T.astype(np.float64)
    return products

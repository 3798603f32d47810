"""Vectors go to the cache while they are made, so that nothing made is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np

from shopkeeper.features.vector_cache import VectorCache
from shopkeeper.types import Float32Array, UInt8Array

ROWS_A_FILE: Final = 4096
SECONDS_A_FILE: Final = 15.0
"""So much work at most is lost when the process is killed; any other end loses nothing."""


class Saving:
    """Vectors that were made, in the order they came, on their way to a cache. Obtained from `saving`."""

    def __init__(self, cache: VectorCache) -> None:
        self._cache = cache
        self._waiting: list[tuple[UInt8Array, Float32Array]] = []
        self._last = time.monotonic()

    def add(self, keys: UInt8Array, vectors: Float32Array) -> None:
        """Takes rows, and writes where enough has come together.

        Args:
            keys: uint8 [n, 16].
            vectors: float32 [n, size].

        Raises:
            ArtifactError: The vectors are of another length than those before, or the disk refuses.
        """
        self._cache.check_size(vectors.shape[1])
        self._waiting.append((keys, vectors))
        rows = sum(len(vectors) for _, vectors in self._waiting)
        if rows >= ROWS_A_FILE or time.monotonic() - self._last >= SECONDS_A_FILE:
            self.write()

    def write(self) -> None:
        """Writes what is not yet written."""
        if self._waiting:
            keys, vectors = zip(*self._waiting, strict=True)
            self._waiting = []
            self._cache.add(np.concatenate(keys), np.concatenate(vectors))
        self._last = time.monotonic()


@contextmanager
def saving(cache: VectorCache) -> Iterator[Saving]:
    """Whatever ends the block, what was made is written."""
    open_rows = Saving(cache)
    try:
        yield open_rows
    finally:
        open_rows.write()

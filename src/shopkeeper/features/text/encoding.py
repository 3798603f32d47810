"""Encodes many texts: each different one once, those known from before not at all, and nothing made is ever lost."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from shopkeeper.features.text.encoder import TextEncoder
from shopkeeper.features.vector_cache import VectorCache, content_keys
from shopkeeper.progress import Progress
from shopkeeper.types import Float32Array, UInt8Array

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_A_FILE: Final = 4096
SECONDS_A_FILE: Final = 15.0
"""So much work at most is lost when the process is killed; any other end loses nothing."""


@dataclass(frozen=True)
class Encoded:
    """Vectors of texts, and what it took.

    Attributes:
        vectors: float32 [n, size].
        n_distinct: Different texts.
        n_encoded: Those that were encoded now; the others were known.
        n_damaged: Damaged files of the cache, whose rows were made again.
        seconds: Time of encoding, without reading the model.
    """

    vectors: Float32Array
    n_distinct: int
    n_encoded: int
    n_damaged: int
    seconds: float


def encode_texts(
    texts: pa.Array, encoder: TextEncoder, cache: VectorCache, progress: Progress | None = None
) -> Encoded:
    """Vectors of texts, from the cache as far as it has them.

    Args:
        texts: large_string [n], none of them empty.
        encoder: Makes what is missing.
        cache: Of this encoder; what is made goes there while it is made.
        progress: Told how far it is and how fast.

    Raises:
        EndpointError: The model is elsewhere and does not answer; what was encoded before is in the cache.
        ArtifactError: The cache has vectors of another length, or cannot be written.
    """
    distinct = texts.dictionary_encode()
    words: list[str] = distinct.dictionary.to_pylist()
    keys = content_keys(words)
    vectors, found = cache.read(keys)
    missing = np.flatnonzero(~found)
    seconds = 0.0
    if missing.size:
        made, seconds = _encode([words[place] for place in missing], keys[missing], encoder, cache, progress)
        if vectors.shape[1] == 0:
            vectors = np.zeros((len(words), made.shape[1]), dtype=np.float32)
        vectors[missing] = made
        cache.tidy()
    rows = vectors[distinct.indices.to_numpy(zero_copy_only=False)] if len(texts) else vectors
    return Encoded(rows, len(words), len(missing), cache.n_damaged, seconds)


def _encode(
    texts: Sequence[str], keys: UInt8Array, encoder: TextEncoder, cache: VectorCache, progress: Progress | None
) -> tuple[Float32Array, float]:
    """Vectors of texts that are not known, float32 [n, size], those of like length together, and the seconds."""
    order = np.argsort(np.fromiter(map(len, texts), np.int64, len(texts)), kind="stable")
    made: list[Float32Array] = []
    encoder.load()
    if progress:
        progress.start(f"encoding with {encoder.name}", len(texts))
    begin = time.perf_counter()
    with _saving(keys[order], made, cache) as save:
        for start in range(0, len(order), encoder.batch_size):
            batch = [texts[place] for place in order[start : start + encoder.batch_size]]
            found = encoder.encode(batch)
            cache.check_size(found.shape[1])
            made.append(found)
            save()
            if progress:
                speed = (start + len(batch)) / (time.perf_counter() - begin)
                progress.advance(len(batch), {"texts/s": speed})
    seconds = time.perf_counter() - begin
    if progress:
        progress.finish()
    vectors = np.empty((len(texts), made[0].shape[1]), dtype=np.float32)
    vectors[order] = np.concatenate(made)
    return vectors, seconds


class _Saving:
    """Writes what is made to the cache from time to time."""

    def __init__(self, keys: UInt8Array, made: list[Float32Array], cache: VectorCache) -> None:
        self._keys, self._made, self._cache = keys, made, cache
        self._n_parts, self._n_rows, self._last = 0, 0, time.monotonic()

    def __call__(self) -> None:
        """Writes where enough has come together."""
        waiting = sum(map(len, self._made[self._n_parts :]))
        if waiting >= ROWS_A_FILE or time.monotonic() - self._last >= SECONDS_A_FILE:
            self.write()

    def write(self) -> None:
        """Writes what is not yet written."""
        parts = self._made[self._n_parts :]
        if parts:
            rows = sum(map(len, parts))
            self._cache.add(self._keys[self._n_rows : self._n_rows + rows], np.concatenate(parts))
            self._n_parts, self._n_rows = len(self._made), self._n_rows + rows
        self._last = time.monotonic()


@contextmanager
def _saving(keys: UInt8Array, made: list[Float32Array], cache: VectorCache) -> Iterator[_Saving]:
    """Whatever ends the block, what was made is written."""
    saving = _Saving(keys, made, cache)
    try:
        yield saving
    finally:
        saving.write()

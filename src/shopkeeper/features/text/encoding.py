"""Encodes many texts: each different one once, those known from before not at all, and nothing made is ever lost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopkeeper.features.saving import saving
from shopkeeper.features.text.encoder import TextEncoder
from shopkeeper.features.vector_cache import VectorCache, content_keys
from shopkeeper.progress import Progress
from shopkeeper.types import Float32Array, UInt8Array

if TYPE_CHECKING:
    import pyarrow as pa


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
    with saving(cache) as rows:
        for start in range(0, len(order), encoder.batch_size):
            places = order[start : start + encoder.batch_size]
            made.append(encoder.encode([texts[place] for place in places]))
            rows.add(keys[places], made[-1])
            if progress:
                speed = (start + len(places)) / (time.perf_counter() - begin)
                progress.advance(len(places), {"texts/s": speed})
    seconds = time.perf_counter() - begin
    if progress:
        progress.finish()
    vectors = np.empty((len(texts), made[0].shape[1]), dtype=np.float32)
    vectors[order] = np.concatenate(made)
    return vectors, seconds

"""Encodes the pictures of items: each different one once, those known not at all; what cannot be used is counted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from shopkeeper.features.image.decoding import Fault, ImageLimits, UnusableImageError, quiet_decoders, square_pixels
from shopkeeper.features.image.encoder import ImageEncoder
from shopkeeper.features.image.sources import ImageSource
from shopkeeper.features.saving import saving
from shopkeeper.features.vector_cache import KEY_BYTES, VectorCache
from shopkeeper.progress import Progress
from shopkeeper.types import BoolArray, Float32Array, Int64Array, UInt8Array


@dataclass(frozen=True)
class EncodedImages:
    """Vectors of pictures, and what it took.

    Attributes:
        vectors: float32 [n_items, size]; zeros where there is none.
        known: bool [n_items]; which items have one.
        faults: By place of the item: why it has none, and a detail in words.
        n_distinct: Different pictures.
        n_encoded: Those that were encoded now; the others were known.
        n_damaged: Damaged files of the cache, whose rows were made again.
        seconds: Time of decoding and encoding, without reading the model.
    """

    vectors: Float32Array
    known: BoolArray
    faults: dict[int, tuple[Fault, str]]
    n_distinct: int
    n_encoded: int
    n_damaged: int
    seconds: float


def encode_images(
    source: ImageSource,
    encoder: ImageEncoder,
    cache: VectorCache,
    limits: ImageLimits,
    progress: Progress | None = None,
) -> EncodedImages:
    """Vectors of the pictures of items, from the cache as far as it has them.

    Args:
        source: The pictures.
        encoder: Makes what is missing.
        cache: Of this encoder; what is made goes there while it is made.
        limits: What is too large.
        progress: Told how far it is and how fast.

    Raises:
        MissingDependencyError: Pillow, torch or the package with the weights is not installed.
        EndpointError: The model is elsewhere and does not answer; what was encoded before is in the cache.
        ArtifactError: The cache cannot be written.
    """
    keys, faults = _keys(source)
    there = np.setdiff1d(np.arange(len(source)), list(faults))
    _, first, same = np.unique(keys[there], axis=0, return_index=True, return_inverse=True)
    places = there[first]  # one item for each different picture
    vectors, found = cache.read(keys[places])
    seconds, broken = 0.0, dict[int, tuple[Fault, str]]()
    missing = np.flatnonzero(~found)
    if missing.size:
        making = _Making(source, encoder, cache, limits, progress)
        vectors, seconds, broken = making.fill(vectors, found, missing, places, keys)
        cache.tidy()
    known = np.zeros(len(source), dtype=bool)
    known[there] = found[same.reshape(-1)]
    spread = np.zeros((len(source), vectors.shape[1]), dtype=np.float32)
    spread[there] = vectors[same.reshape(-1)]
    faults |= {int(place): broken[int(picture)] for place, picture in zip(there, same.reshape(-1), strict=True)
               if int(picture) in broken}  # fmt: skip
    made = len(missing) - len(broken)
    return EncodedImages(spread, known, faults, len(places), made, cache.n_damaged, seconds)


@dataclass(frozen=True)
class _Making:
    """All that stays the same while pictures are encoded."""

    source: ImageSource
    encoder: ImageEncoder
    cache: VectorCache
    limits: ImageLimits
    progress: Progress | None

    def fill(
        self, vectors: Float32Array, found: BoolArray, missing: Int64Array, places: Int64Array, keys: UInt8Array
    ) -> tuple[Float32Array, float, dict[int, tuple[Fault, str]]]:
        """Marks rows as found and gives vectors with them, the seconds and, by row, what cannot be used."""
        broken: dict[int, tuple[Fault, str]] = {}
        self.encoder.load()
        if self.progress:
            self.progress.start(f"encoding with {self.encoder.name}", len(missing))
        begin = time.perf_counter()
        with saving(self.cache) as rows, quiet_decoders():
            for start in range(0, len(missing), self.encoder.batch_size):
                batch = missing[start : start + self.encoder.batch_size]
                pixels, usable = self._decode(batch, places, broken)
                if usable.size:
                    made = self.encoder.encode(pixels)
                    rows.add(keys[places[usable]], made)
                    if vectors.shape[1] == 0:  # nothing was known
                        vectors = np.zeros((len(places), made.shape[1]), dtype=np.float32)
                    vectors[usable], found[usable] = made, True
                if self.progress:
                    speed = (start + len(batch)) / (time.perf_counter() - begin)
                    self.progress.advance(len(batch), {"pictures/s": speed})
        if self.progress:
            self.progress.finish()
        return vectors, time.perf_counter() - begin, broken

    def _decode(
        self, batch: Int64Array, places: Int64Array, broken: dict[int, tuple[Fault, str]]
    ) -> tuple[UInt8Array, Int64Array]:
        """Pixels of those that can be used, uint8 [n, side, side, 3], and their rows, int64 [n]."""
        with ThreadPoolExecutor(self.source.at_once) as threads:
            decoded = list(threads.map(self._pixels, places[batch]))
        good = [row for row, pixels in zip(batch, decoded, strict=True) if isinstance(pixels, np.ndarray)]
        for row, pixels in zip(batch, decoded, strict=True):
            if isinstance(pixels, UnusableImageError):
                broken[int(row)] = (pixels.fault, str(pixels))
        arrays = [pixels for pixels in decoded if isinstance(pixels, np.ndarray)]
        side = self.encoder.side
        stacked = np.stack(arrays) if arrays else np.zeros((0, side, side, 3), dtype=np.uint8)
        return stacked, np.array(good, dtype=np.int64)

    def _pixels(self, place: int) -> UInt8Array | UnusableImageError:
        try:
            return square_pixels(self.source.read(int(place)), self.encoder.side, self.limits)
        except UnusableImageError as error:
            return error


def _keys(source: ImageSource) -> tuple[UInt8Array, dict[int, tuple[Fault, str]]]:
    """One key a picture, uint8 [n_items, 16], and what cannot be read, by place."""
    faults: dict[int, tuple[Fault, str]] = {}
    with ThreadPoolExecutor(source.at_once) as threads:
        found: Sequence[bytes | UnusableImageError] = list(threads.map(partial(_key, source), range(len(source))))
    for place, key in enumerate(found):
        if isinstance(key, UnusableImageError):
            faults[place] = (key.fault, str(key))
    joined = b"".join(key if isinstance(key, bytes) else bytes(KEY_BYTES) for key in found)
    return np.frombuffer(joined, dtype=np.uint8).reshape(-1, KEY_BYTES), faults


def _key(source: ImageSource, place: int) -> bytes | UnusableImageError:
    try:
        return source.key(place)
    except UnusableImageError as error:
        return error

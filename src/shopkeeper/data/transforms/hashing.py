"""Hashing for huge vocabularies: a category becomes an integer without a table of categories.

The hash is 64-bit FNV-1a over the UTF-8 bytes (Fowler, Noll and Vo; the reference vectors are in the tests), finished
by the mixer of SplitMix64 (Steele, Lea and Flood 2014), which makes all bits usable and gives further, independent
hashes by a seed. It depends on nothing but the bytes: not on the process, the machine or a library's version.

Of n categories in m buckets, a category shares its bucket with another one with probability 1 - (1 - 1/m)^(n-1), about
n/m where that is small: 10 % for n = m/10, 63 % for n = m. With h hashes a category is one of m^h combinations: two
hashes of 100,000 buckets tell nearly all of a million categories apart (one in 10,000 shares both).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shopkeeper.data.transforms.base import Outcome
from shopkeeper.data.transforms.categorical import CategoricalStep, CategoricalTransform
from shopkeeper.data.transforms.columns import is_null

if TYPE_CHECKING:
    import pyarrow as pa

_OFFSET = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)


class HashStep(CategoricalStep):
    """Integers 1 to `n_buckets` that a hash of the category gives; 0 is missing. Nothing is learned."""

    kind: Literal["hash"] = "hash"
    """Kind of transform."""
    n_buckets: Annotated[int, Field(ge=1, lt=2**31 - 1)] = 100_000
    """Number of buckets of each hash."""
    n_hashes: Annotated[int, Field(ge=1)] = 1
    """Number of independent hashes, each a column of its own."""


class Hash(CategoricalTransform):
    """int32 [n, n_hashes]."""

    step: HashStep
    fitted = ("collision_rate",)
    collision_rate: float
    """Share of the distinct training categories that share all their hashes with another one."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Buckets and the index 0 for missing, once a hash."""
        return (self.step.n_buckets + 1,) * self.step.n_hashes

    def learn(self, values: pa.Array, outcome: Outcome | None) -> None:
        """Only counts collisions."""
        hashed = self._hashed(values.drop_null().unique())
        _, counts = np.unique(hashed, axis=0, return_counts=True)
        self.collision_rate = float(counts[counts > 1].sum() / max(len(hashed), 1))

    def transform(self, values: pa.Array) -> NDArray[np.int32]:
        """The buckets of each category."""
        distinct = values.dictionary_encode()
        places = distinct.indices.fill_null(0).to_numpy(zero_copy_only=False)
        if len(distinct.dictionary) == 0:
            return np.zeros((len(values), self.step.n_hashes), dtype=np.int32)
        block = self._hashed(distinct.dictionary)[places]
        block[is_null(values)] = 0
        return np.asarray(block)

    def value_names(self) -> list[str]:
        """The label, numbered where there are several hashes."""
        if self.step.n_hashes == 1:
            return [self.step.label]
        return [f"{self.step.label} {number}" for number in range(1, self.step.n_hashes + 1)]

    def _hashed(self, distinct: pa.Array) -> NDArray[np.int32]:
        hashes = stable_hash(distinct)
        buckets = [_mixed(hashes, seed) % np.uint64(self.step.n_buckets) for seed in range(self.step.n_hashes)]
        return (np.stack(buckets, axis=1) + 1).astype(np.int32)


def stable_hash(values: pa.Array) -> NDArray[np.uint64]:
    """64-bit FNV-1a of each value, uint64 [n].

    Args:
        values: Strings or integers without nulls; an integer hashes as the text of its digits, so that a log gives the
            same hashes whether its ids were read as numbers or as text.
    """
    import pyarrow as pa

    texts = values.cast(pa.large_string()) if len(values) else pa.array([], pa.large_string())
    _, offsets_buffer, data_buffer = texts.buffers()
    hashes = np.full(len(texts), _OFFSET, dtype=np.uint64)
    if len(texts) == 0 or data_buffer is None:
        return hashes
    data = np.frombuffer(data_buffer, dtype=np.uint8)
    offsets = np.frombuffer(offsets_buffer, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    lengths = np.diff(offsets)
    order = np.argsort(-lengths, kind="stable")  # longest first: those that still have a byte are always a prefix
    starts, ends = offsets[:-1][order], np.searchsorted(-lengths[order], -np.arange(lengths.max()), side="left")
    running = hashes.copy()
    for place, end in enumerate(ends):
        byte = data[starts[:end] + place]
        running[:end] = (running[:end] ^ byte) * _PRIME
    hashes[order] = running
    return hashes


def _mixed(hashes: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """SplitMix64's output for the state hash + (seed + 1) * golden ratio, modulo 2^64."""
    golden = np.uint64((0x9E3779B97F4A7C15 * (seed + 1)) % 2**64)
    mixed = hashes + golden
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))

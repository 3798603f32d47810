"""Exact search for the nearest items by cosine, over vectors that may be memory-mapped."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shopkeeper.artifacts import ArtifactReader, ArtifactWriter
from shopkeeper.recommenders.top_k import top_k
from shopkeeper.types import BoolArray, Float32Array, Int32Array

BLOCK = 65_536
"""Items compared at once: memory is this many scores a query, whatever the size of the catalog."""


@dataclass(frozen=True)
class ItemIndex:
    """Unit vectors of all items.

    Attributes:
        vectors: float32 [n_items + 1, d]; each of length 1, or 0 where an item has none; row 0 is padding.
    """

    vectors: Float32Array

    @staticmethod
    def build(vectors: Float32Array) -> ItemIndex:
        """An index over vectors of any length, float32 [n_items + 1, d]."""
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
        unit[0] = 0
        return ItemIndex(unit.astype(np.float32))

    @cached_property
    def _present(self) -> BoolArray:
        present: BoolArray = np.any(np.asarray(self.vectors) != 0, axis=1)
        return present

    def search(self, queries: Float32Array, k: int) -> tuple[Int32Array, Float32Array]:
        """The k nearest items of each query.

        Args:
            queries: float32 [b, d].
            k: How many; items without a vector never come out.

        Returns:
            Item indices int32 [b, k], nearest first, 0 where there are fewer, and their cosines float32 [b, k].
        """
        lengths = np.linalg.norm(queries, axis=1, keepdims=True)
        unit = np.divide(queries, lengths, out=np.zeros_like(queries), where=lengths > 0)
        chosen = np.zeros((len(queries), 0), dtype=np.int32)
        scores = np.zeros((len(queries), 0), dtype=np.float32)
        for start in range(0, len(self.vectors), BLOCK):
            block = np.asarray(self.vectors[start : start + BLOCK])
            cosines = unit @ block.T
            cosines[:, ~self._present[start : start + BLOCK]] = -np.inf
            found, values = top_k(cosines, k)
            chosen, scores = _merge(chosen, scores, found + start, values, k)
        return np.where(np.isneginf(scores), 0, chosen).astype(np.int32), scores

    def similar(self, item_index: Int32Array, k: int) -> tuple[Int32Array, Float32Array]:
        """The k items nearest to each item (int32 [b]), the item itself left out."""
        found, scores = self.search(np.asarray(self.vectors[item_index]), k + 1)
        scores = np.where(found == np.asarray(item_index)[:, None], -np.inf, scores)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        found, scores = np.take_along_axis(found, order, axis=1), np.take_along_axis(scores, order, axis=1)
        return np.where(np.isneginf(scores), 0, found).astype(np.int32), scores

    def write(self, writer: ArtifactWriter) -> None:
        """Writes the vectors into a folder of an artifact."""
        writer.array("vectors.npy", self.vectors)

    @staticmethod
    def read(reader: ArtifactReader) -> ItemIndex:
        """Opens the vectors of an artifact as a memory map."""
        return ItemIndex(reader.array("vectors.npy"))


def _merge(
    items: Int32Array, scores: Float32Array, more_items: Int32Array, more_scores: Float32Array, k: int
) -> tuple[Int32Array, Float32Array]:
    all_items, all_scores = np.hstack([items, more_items]), np.hstack([scores, more_scores])
    order = np.argsort(-all_scores, axis=1, kind="stable")[:, :k]
    return (
        np.take_along_axis(all_items, order, axis=1).astype(np.int32),
        np.take_along_axis(all_scores, order, axis=1),
    )

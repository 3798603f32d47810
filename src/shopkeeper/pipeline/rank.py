"""Joins the candidates of several recommenders into one list: a weighted mean of their probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from shopkeeper.recommenders.candidates import Candidates
from shopkeeper.types import Float32Array, Int32Array


@dataclass(frozen=True)
class Ranked:
    """Items of one shopper, best first.

    Attributes:
        item_index: int32 [m].
        scores: float32 [m], descending.
        source: int32 [m]; place of the recommender that gave most of the score.
    """

    item_index: Int32Array
    scores: Float32Array
    source: Int32Array

    def __len__(self) -> int:
        return len(self.item_index)

    def without(self, items: Int32Array) -> Ranked:
        """The same list without some items, int32 of any length."""
        if not len(items):
            return self
        kept = np.isin(self.item_index, items, invert=True)
        return Ranked(self.item_index[kept], self.scores[kept], self.source[kept])

    def then(self, items: Int32Array, source: int | Int32Array) -> Ranked:
        """The same list with items behind it that are not in it yet, each below all before.

        Their scores depend on their places alone, not on how many there are.

        Args:
            items: int32 [m], best first.
            source: Place of the recommender of all of them, or of each, int32 [m].
        """
        new = np.isin(items, self.item_index, invert=True)
        places = np.arange(1, int(new.sum()) + 1, dtype=np.float32)
        floor = self.scores[-1] if len(self) else np.float32(1)
        sources = np.broadcast_to(np.asarray(source, dtype=np.int32), items.shape)
        return Ranked(
            np.concatenate([self.item_index, items[new]]),
            np.concatenate([self.scores, floor / (1 + places)]),
            np.concatenate([self.source, sources[new]]),
        )


NONE: Final = Ranked(np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.int32))
"""A list without items."""


def probabilities(scores: Float32Array, logits: bool) -> Float32Array:
    """Scores of candidates as shares that sum to 1.

    Args:
        scores: float32 [m], finite.
        logits: Whether they are logarithms of odds; otherwise amounts, of which those below zero count nothing.

    Returns:
        float32 [m]; amounts that sum to zero all get the same share.
    """
    amounts = np.exp(scores - scores.max()) if logits else np.maximum(scores, 0)
    total = amounts.sum()
    if total <= 0:
        return np.full(len(scores), 1 / max(len(scores), 1), dtype=np.float32)
    shares: Float32Array = (amounts / total).astype(np.float32)
    return shares


def join(row: int, candidates: Sequence[Candidates], weights: Sequence[float], logits: Sequence[bool]) -> Ranked:
    """One shopper's list.

    Args:
        row: The shopper's place in the batch.
        candidates: One batch of each recommender.
        weights: Weight of each recommender; one of weight 0 takes no part.
        logits: What the scores of each are.
    """
    items, scores, sources = [], [], []
    for place, (found, weight, odds) in enumerate(zip(candidates, weights, logits, strict=True)):
        if weight == 0:
            continue
        known = found.item_index[row] > 0
        if known.any():
            items.append(found.item_index[row][known])
            scores.append(weight * probabilities(found.scores[row][known], odds))
            sources.append(np.full(len(items[-1]), place, dtype=np.int32))
    if not items:
        return NONE
    if len(items) == 1:
        return Ranked(items[0], scores[0], sources[0])
    return _sum(np.concatenate(items), np.concatenate(scores), np.concatenate(sources))


def _sum(items: Int32Array, scores: Float32Array, sources: Int32Array) -> Ranked:
    distinct, inverse = np.unique(items, return_inverse=True)
    total = np.bincount(inverse, scores).astype(np.float32)
    rising = np.argsort(scores, kind="stable")
    source = np.zeros(len(distinct), dtype=np.int32)
    source[inverse[rising]] = sources[rising]  # of several writes to one place the last one, the largest, stays
    order = np.argsort(-total, kind="stable")
    return Ranked(distinct[order], total[order], source[order])

"""The weights and the sharpness of a mixture that rank held-out targets best, by NDCG@10.

Likelihood asks for the probability of a target wherever it stands; a list has ten places. So both are searched for NDCG
itself, one member at a time, from the solution of likelihood and from equal weights. Few steps of a modest grid are
tried, and likelihood keeps the word where none of them ranks better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from shopkeeper.data.histories import Histories
from shopkeeper.recommenders.mixture import SHARPNESS
from shopkeeper.recommenders.top_k import top_k
from shopkeeper.recommenders.validation import ndcg
from shopkeeper.types import Float32Array, Float64Array, Int64Array

FACTORS: Final = (0.0, 0.25, 0.5, 0.7, 1.4, 2.0, 4.0)
"""A weight is tried at these multiples of itself."""
RETURNS: Final = (0.05, 0.2)
"""A weight that is zero is tried at these shares of the sum of the others."""
ROUNDS: Final = 4
"""Every member has its turn so many times, at most."""
SMALLEST_GAIN: Final = 1e-6
"""NDCG that a step must win."""
CANDIDATES: Final = 50
"""So many best items of each member are ranked."""

Mixture: TypeAlias = tuple[Float64Array, Float64Array]
"""Weights, float64 [members], which sum to 1, and the sharpness of each, float64 [members], values of `SHARPNESS`."""


@dataclass(frozen=True)
class Shortlists:
    """The best items of the members for questions whose targets are partly among them.

    A question without a target on its list counts only in `n_asked`: no mixture of these items finds it.

    Attributes:
        scores: float32 [members, q, c]; what `log_scores` says of the union of the members' best items. Column 0 and
            places left over are minus infinity. A search holds twice its size in memory: at most 8 bytes times
            questions, members squared and `CANDIDATES`, whatever the number of items.
        sums: float32 [members, len(SHARPNESS), q]; what `normalizers` says.
        targets: Columns of the targets of q questions; 0 for a target that is not on the list.
        n_asked: Questions with a target, those left out too.
    """

    scores: Float32Array
    sums: Float32Array
    targets: Histories
    n_asked: int

    @staticmethod
    def of_batch(scores: Sequence[Float32Array], sums: Sequence[Float64Array], targets: Histories) -> Shortlists:
        """The lists of one batch.

        Args:
            scores: What `log_scores` gave for each member, float32 [b, n_items + 1].
            sums: What `normalizers` gave for each, float64 [b, len(SHARPNESS)].
            targets: Held-out items of b shoppers; repeats count once, an unknown item (index 0) as one that is missed.
        """
        listed = _union([top_k(one, CANDIDATES)[0] for one in scores])
        width = scores[0].shape[1]
        rows, items = targets.rows, np.asarray(targets.item_index, dtype=np.int64)
        wanted = np.unique(rows[items > 0] * width + items[items > 0])
        keys = np.arange(len(listed))[:, None] * width + listed
        order = np.argsort(keys, axis=None)
        places = np.minimum(np.searchsorted(keys.ravel(), wanted, sorter=order), keys.size - 1)
        found = order[places]
        columns = np.where(keys.ravel()[found] == wanted, found % listed.shape[1], 0)
        rows = np.concatenate([wanted // width, rows[items == 0]])
        columns = np.concatenate([columns, np.zeros(len(rows) - len(columns), dtype=np.int64)])
        kept = np.unique(rows[columns > 0])
        return Shortlists(
            np.stack([np.take_along_axis(one[kept], listed[kept], axis=1) for one in scores]),
            np.stack([one[kept].T for one in sums]).astype(np.float32),
            _of_rows(rows, columns, kept),
            int((targets.lengths > 0).sum()),
        )

    @staticmethod
    def joined(parts: Sequence[Shortlists]) -> Shortlists:
        """The lists of several batches, one after the other."""
        width = max(part.scores.shape[2] for part in parts)
        padded = [
            np.pad(part.scores, ((0, 0), (0, 0), (0, width - part.scores.shape[2])), constant_values=-np.inf)
            for part in parts
        ]
        return Shortlists(
            np.concatenate(padded, axis=1),
            np.concatenate([part.sums for part in parts], axis=2),
            Histories.joined([part.targets for part in parts]),
            sum(part.n_asked for part in parts),
        )

    def probabilities(self, member: int, sharpness: float) -> Float32Array:
        """Probabilities of the listed items by one member, float32 [q, c]."""
        values: Float32Array = np.exp(self.scores[member] * np.float32(sharpness))
        sums = self.sums[member, SHARPNESS.index(sharpness)]
        values /= np.maximum(sums, np.finfo(np.float32).tiny)[:, None]
        return values

    def ndcg(self, mixed: Float32Array) -> float:
        """Mean NDCG@10 of all that is asked, of the listed items in the order of float32 [q, c]; 0 is not found."""
        return float(ndcg(np.where(mixed > 0, mixed, -np.inf), self.targets).sum()) / max(1, self.n_asked)


def search_mixture(lists: Shortlists, likely: Mixture) -> Mixture:
    """The mixture with the highest NDCG@10 that coordinate search finds.

    Args:
        lists: Where NDCG is measured.
        likely: The one of likelihood; given back where no other is better.
    """
    n_members = len(likely[0])
    equal = (np.full(n_members, 1 / n_members), np.ones(n_members))
    best, reached = likely, _Search(lists, likely).reached + SMALLEST_GAIN
    for start in (likely, equal):
        found, ndcg_found = _climbed(lists, start)
        if ndcg_found > reached:
            best, reached = found, ndcg_found
    return best


def _climbed(lists: Shortlists, start: Mixture) -> tuple[Mixture, float]:
    """The mixture that is reached from another one, and its NDCG."""
    search = _Search(lists, start)
    search.run()
    return (search.weights / search.weights.sum(), search.sharpness), search.reached


class _Search:
    """A mixture that gets better, one step after the other."""

    def __init__(self, lists: Shortlists, start: Mixture) -> None:
        self.lists = lists
        self.weights, self.sharpness = (values.copy() for values in start)
        self.parts = np.stack([lists.probabilities(m, float(s)) for m, s in enumerate(self.sharpness)])
        self.reached = lists.ndcg(self._rest(None))

    def run(self) -> None:
        """Changes one member after the other until nothing is better, or `ROUNDS` times."""
        for _ in range(ROUNDS):
            before = self.reached
            for member in range(len(self.weights)):
                rest = self._rest(member)
                self._weigh(member, rest)
                self._sharpen(member, rest)
            if self.reached == before:
                break

    def _rest(self, member: int | None) -> Float32Array:
        """The mixture without one member, float32 [q, c]."""
        mixed = np.zeros(self.parts.shape[1:], dtype=np.float32)
        for other, weight in enumerate(self.weights):
            if other != member and weight > 0:
                mixed += np.float32(weight) * self.parts[other]
        return mixed

    def _weigh(self, member: int, rest: Float32Array) -> None:
        """Tries other weights of a member; only their relation to those of the others matters."""
        own, others = self.weights[member], self.weights.sum() - self.weights[member]
        if others <= 0:
            return
        for weight in [own * factor for factor in FACTORS] if own > 0 else [others * share for share in RETURNS]:
            if self._is_better(rest + np.float32(weight) * self.parts[member]):
                self.weights[member] = weight

    def _sharpen(self, member: int, rest: Float32Array) -> None:
        """Tries every other sharpness of a member that takes part."""
        if self.weights[member] == 0:
            return
        for sharpness in SHARPNESS:
            part = self.lists.probabilities(member, sharpness)
            if self._is_better(rest + np.float32(self.weights[member]) * part):
                self.sharpness[member], self.parts[member] = sharpness, part

    def _is_better(self, mixed: Float32Array) -> bool:
        reached = self.lists.ndcg(mixed)
        if reached <= self.reached + SMALLEST_GAIN:
            return False
        self.reached = reached
        return True


def _union(best: Sequence[np.ndarray]) -> Int64Array:
    """Every item of several lists (int32 [b, k]) once a row, int64 [b, c]; column 0, and what is left over, is 0."""
    items = np.sort(np.concatenate(best, axis=1).astype(np.int64), axis=1)
    items[:, 1:][items[:, 1:] == items[:, :-1]] = 0
    items = -np.sort(-items, axis=1)
    used = max(1, int((items > 0).sum(axis=1).max(initial=0)))
    return np.concatenate([np.zeros((len(items), 1), dtype=np.int64), items[:, :used]], axis=1)


def _of_rows(rows: Int64Array, columns: Int64Array, kept: Int64Array) -> Histories:
    """Columns of rows that are kept (int64, ascending), as histories of them."""
    order = np.argsort(rows, kind="stable")
    order = order[np.isin(rows[order], kept)]
    lengths = np.bincount(np.searchsorted(kept, rows[order]), minlength=len(kept))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Histories(
        offsets, columns[order].astype(np.int32), np.zeros(len(order), np.uint8), np.zeros(len(order), np.int64)
    )

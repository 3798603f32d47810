"""Whether chances hold as they are asked for: what was said of all pairs of a later part, beside what came.

Figures of sampled examples cannot tell that the examples are those of another question. Here the question is that of
`shopkeeper predict --all`: all active shoppers with all known items at some moments. Deciles hold equally much of what
was *said*, since most pairs of a shop have next to no chance: each holds a tenth of the expected number, so that
wherever predictions are used there is enough to tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from shopkeeper.data.examples.asked import WholeQuestion
from shopkeeper.data.point_in_time.blocks import Features
from shopkeeper.data.point_in_time.features import examples_with
from shopkeeper.data.point_in_time.log import Log
from shopkeeper.evaluation.bootstrap import LEVEL, resampled_counts
from shopkeeper.predictors.base import Predictor
from shopkeeper.progress import Progress
from shopkeeper.types import Float64Array, Int64Array

DECILES: Final = 10
BLOCK: Final = 1 << 17
"""Pairs whose features are in memory at once."""


@dataclass(frozen=True)
class AskedDecile:
    """A tenth of what was said, the lowest chances first.

    Attributes:
        said: Sum of the chances (or amounts).
        came: Number of pairs that the target came of (or the amounts).
        pairs: How many pairs it holds.
        low: Lower end of the 95 % interval of said / came over shoppers; None where nothing came in some resamples.
        high: Upper end.
    """

    said: float
    came: float
    pairs: float
    low: float | None
    high: float | None

    @property
    def ratio(self) -> float | None:
        """Said / came; None where nothing came."""
        return self.said / self.came if self.came else None


@dataclass(frozen=True)
class AsAsked:
    """Calibration of the whole question.

    Attributes:
        said: Sum of what was said.
        came: What came.
        pairs: Number of pairs asked about, those that others stand for included.
        users: Number of their shoppers.
        moments: Number of different moments.
        low: Lower end of the 95 % interval of said / came over shoppers.
        high: Upper end.
        deciles: By what was said.
        users_rate: Share of the shoppers that was drawn.
        met_rate: Share of the pairs that met before that was drawn.
        pairs_rate: Share of the pairs that never met before that was drawn.
    """

    said: float
    came: float
    pairs: float
    users: int
    moments: int
    low: float | None
    high: float | None
    deciles: tuple[AskedDecile, ...]
    users_rate: float
    met_rate: float
    pairs_rate: float

    @property
    def ratio(self) -> float | None:
        """Said / came; None where nothing came."""
        return self.said / self.came if self.came else None

    @property
    def worst(self) -> float | None:
        """The decile farthest off: how many times too much or too little; None where one has nothing come."""
        ratios = [one.ratio for one in self.deciles]
        known = [max(one, 1 / one) for one in ratios if one]
        return max(known) if len(known) == len(ratios) and known else None

    def to_json(self) -> dict[str, Any]:
        """The fields and both ratios as plain values."""
        deciles = [asdict(one) | {"ratio": one.ratio} for one in self.deciles]
        return asdict(self) | {"ratio": self.ratio, "worst_decile": self.worst, "deciles": deciles}


def ask_whole(
    predictors: Mapping[str, Predictor], log: Log, question: WholeQuestion, n_bootstrap: int = 300, seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, AsAsked]:  # fmt: skip
    """Asks predictors the whole question, block by block.

    Args:
        predictors: Fitted, by name.
        log: The whole log.
        question: What is asked.
        n_bootstrap: Resamples of the shoppers.
        seed: Of the resamples.
        progress: Told after each block.
    """
    examples = question.examples
    said = {name: np.empty(len(examples)) for name in predictors}
    features = Features(log, items=bool((examples.item_index > 0).any()))
    if progress:
        progress.start("asking all pairs", len(examples))
    for begin in range(0, len(examples), BLOCK):
        rows = slice(begin, begin + BLOCK)
        block = examples_with(log, features, examples.take(rows))
        for name, predictor in predictors.items():
            said[name][rows] = predictor.predict(block)
        if progress:
            progress.advance(len(block))
    if progress:
        progress.finish()
    return {name: measure_whole(question, one, n_bootstrap, seed) for name, one in said.items()}


def measure_whole(question: WholeQuestion, said: Float64Array, n_bootstrap: int = 300, seed: int = 0) -> AsAsked:
    """Calibration of what was said (float64 [n]) of a whole question."""
    examples, weight = question.examples, question.weight.astype(np.float64)
    users, number = np.unique(examples.user_index, return_inverse=True)
    cell = number * DECILES + deciles_of(said, weight)
    size = len(users) * DECILES
    expected = np.bincount(cell, weight * said, size).reshape(-1, DECILES).astype(np.float64)
    came = np.bincount(cell, weight * examples.label, size).reshape(-1, DECILES).astype(np.float64)
    pairs = np.bincount(cell, weight, size).reshape(-1, DECILES).sum(axis=0)
    low, high = _intervals(expected, came, n_bootstrap, seed)
    found = [
        AskedDecile(float(expected[:, place].sum()), float(came[:, place].sum()), float(pairs[place]), low[place],
                    high[place])
        for place in range(DECILES) if pairs[place] > 0
    ]  # fmt: skip
    return AsAsked(
        float(expected.sum()), float(came.sum()), float(pairs.sum()), len(users), len(np.unique(examples.timestamp)),
        low[-1], high[-1], tuple(found), question.users_rate, question.met_rate,
        question.pairs_rate,
    )  # fmt: skip


def deciles_of(said: Float64Array, weight: Float64Array) -> Int64Array:
    """Which tenth of the sum of what was said each pair is in, the lowest first; equal ones are together. int64 [n]."""
    order = np.argsort(said, kind="stable")
    value, share = said[order], np.cumsum((said * weight)[order])
    total = share[-1] if len(share) and share[-1] > 0 else 1.0
    ends = np.searchsorted(share, total * np.arange(1, DECILES) / DECILES)
    edges = value[np.minimum(ends, len(value) - 1)] if len(value) else np.zeros(DECILES - 1)
    return np.searchsorted(edges, said, side="left").astype(np.int64)


def _intervals(
    expected: Float64Array, came: Float64Array, n_bootstrap: int, seed: int
) -> tuple[list[float | None], list[float | None]]:
    """95 % intervals over shoppers of said / came of each decile, and of all at the end."""
    both = np.concatenate(
        [expected, expected.sum(axis=1, keepdims=True), came, came.sum(axis=1, keepdims=True)], axis=1
    ).astype(np.float32)
    draws = [counts @ both for counts in resampled_counts(len(both), n_bootstrap, seed)]
    if not draws:
        return [None] * (DECILES + 1), [None] * (DECILES + 1)
    sums = np.concatenate(draws)
    half = DECILES + 1
    share = sums[:, half:] / np.maximum(sums[:, :half], np.finfo(np.float32).tiny)  # came / said, which is finite
    ends = np.quantile(share, [(1 + LEVEL) / 2, (1 - LEVEL) / 2], axis=0)
    low, high = ([1 / float(one) if one > 0 else None for one in row] for row in ends)
    return low, high

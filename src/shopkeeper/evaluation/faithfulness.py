"""Whether reasons are true: what a model names as its strongest evidence must move it more than other evidence does.

Evidence is removed by giving it the value that it has in another example, drawn at random, so that values stay such as
there are (Breiman 2001 permutes them likewise; see `evidence`). The counterpart is as much evidence drawn at random
among what has any effect (Samek et al. 2017, Evaluating the visualization of what a deep neural network has learned).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from shopkeeper.data.examples.examples import Examples
from shopkeeper.errors import DataError
from shopkeeper.evaluation.bootstrap import intervals
from shopkeeper.evaluation.evidence import removable, without
from shopkeeper.predictors.base import Predictor
from shopkeeper.types import BoolArray, Float64Array, Int64Array


@dataclass(frozen=True)
class Faithfulness:
    """What the removal of so much evidence does to the chance (or the amount) that a model says.

    Attributes:
        model: Name of the model.
        k: Pieces removed.
        top: Mean change, up or down, without the strongest.
        random: Mean change without as many drawn at random.
        difference: Mean over shoppers of the one minus the other.
        low: Lower end of its 95 % interval.
        high: Upper end.
        share: Of the examples, how many the strongest move farther.
        direction: Of the examples that move, how many move against what the effects of the strongest add up to, as
            they should when these are gone.
        n: Number of examples.
    """

    model: str
    k: int
    top: float
    random: float
    difference: float
    low: float
    high: float
    share: float
    direction: float
    n: int

    @property
    def faithful(self) -> bool:
        """Whether the strongest clearly move more."""
        return self.low > 0

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values."""
        return asdict(self)


def faithfulness(
    model: Predictor, examples: Examples, ks: Sequence[int] = (1, 3, 5), draws: int = 10, seed: int = 0,
    n_bootstrap: int = 1000,
) -> list[Faithfulness]:  # fmt: skip
    """Checks the reasons of a model.

    Args:
        model: Fitted.
        examples: With features; the more alike to those that are explained in earnest the better.
        ks: Numbers of pieces of evidence to remove at once.
        draws: So many other examples give values, and so many random choices are made, of which the mean counts.
        seed: Of the draws.
        n_bootstrap: Resamples of shoppers for the interval.

    Raises:
        NotFittedError: The model was not fitted.
        DataError: There are fewer than two examples, or none has features.
    """
    if len(examples) < 2 or examples.features is None:
        raise DataError("reasons are checked on examples with features", expected="two or more", got=f"{len(examples)}")
    names, _, effects = model.effects(examples)
    columns = removable(examples, names)
    named, effects = [names[place] for place in columns], effects[:, columns]
    rng, before = np.random.default_rng(seed), model.predict(examples)
    found = []
    for k in ks:
        top = _largest(np.abs(effects), k)
        moved = np.zeros((2, draws, len(examples)))
        for draw in range(draws):
            others = _others(len(examples), rng)
            chance = np.where(effects != 0, rng.random(effects.shape), -1.0)
            for kind, which in enumerate((top, _largest(chance, k))):
                moved[kind, draw] = model.predict(without(examples, named, which, others)) - before
        expected = -np.sign(np.where(top, effects, 0).sum(axis=1))
        found.append(_summed(model.name, k, moved, expected, examples.user_index.astype(np.int64), n_bootstrap, seed))
    return found


def _largest(values: Float64Array, k: int) -> BoolArray:
    """Where the k largest of each row are, bool [n, d]."""
    chosen = np.zeros(values.shape, dtype=bool)
    np.put_along_axis(chosen, np.argsort(-values, axis=1, kind="stable")[:, :k], True, axis=1)
    return chosen


def _others(n: int, rng: np.random.Generator) -> Int64Array:
    """For each of n examples another one, int64 [n]."""
    return (np.arange(n) + rng.integers(1, n, n)) % n


def _summed(
    model: str, k: int, moved: Float64Array, expected: Float64Array, shopper: Int64Array, n_bootstrap: int, seed: int
) -> Faithfulness:
    """Figures of changes (float64 [2, draws, n]; of the strongest and of random ones)."""
    top, random = np.abs(moved).mean(axis=1)
    _, number = np.unique(shopper, return_inverse=True)
    n = np.bincount(number)
    differences = np.bincount(number, top - random) / n
    low, high = intervals(differences[:, None].astype(np.float32), n_bootstrap, seed)
    way = moved[0].mean(axis=0)
    moves = (way != 0) & (expected != 0)
    return Faithfulness(
        model=model, k=k, top=float(top.mean()), random=float(random.mean()), difference=float(differences.mean()),
        low=float(low[0]), high=float(high[0]), share=float((top > random).mean()),
        direction=float((np.sign(way) == expected)[moves].mean()) if moves.any() else float("nan"), n=len(shopper),
    )  # fmt: skip

"""What the page of behavior is made of: fitted predictors, and examples that they have not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples
from shopkeeper.errors import DataError
from shopkeeper.evaluation.behavior.leaderboard import BehaviorLeaderboard, target_words
from shopkeeper.predictors.base import Predictor
from shopkeeper.types import Float32Array, Float64Array, Int64Array

Effects: TypeAlias = tuple[tuple[str, ...], Float32Array, Float64Array]


@dataclass(frozen=True)
class BehaviorReportInputs:
    """All that one page can show.

    Attributes:
        dataset: The whole prepared log.
        test: Examples with features, of moments that training does not reach into.
        predictors: Fitted models by name, the chosen one first; the page speaks of that one.
        board: Their figures, or None where nothing was measured.
        words: Which to take and why, a sentence each.
        card: Settings, versions, command: nested plain values.
    """

    dataset: Dataset
    test: Examples
    predictors: Mapping[str, Predictor]
    _: KW_ONLY
    board: BehaviorLeaderboard | None = None
    words: Sequence[str] = ()
    card: Mapping[str, Any] = field(default_factory=dict)
    _effects: dict[tuple[int, int], Effects] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.predictors:
            raise DataError("a page of behavior needs a predictor")
        if len(self.test) == 0 or self.test.features is None:
            raise DataError("a page of behavior needs examples with features", got=f"{len(self.test)} examples")

    @property
    def name(self) -> str:
        """Name of the chosen model."""
        return next(iter(self.predictors))

    @property
    def model(self) -> Predictor:
        """The chosen model."""
        return self.predictors[self.name]

    @property
    def amounts(self) -> bool:
        """Whether amounts are predicted, and not chances."""
        return self.model.of_amounts

    @property
    def target(self) -> str:
        """What is predicted, in words: ``purchase within 7 days``."""
        return "the target" if self.model.settings is None else target_words(self.model.settings)

    @property
    def event(self) -> str:
        """The target alone: ``a purchase``."""
        if self.model.settings is None:
            return "the target"
        target = self.model.settings.target
        return target if target in ("churn", "amount") else f"a {target}"

    @property
    def noun(self) -> str:
        """What an example is: a pair of shopper and item, or a shopper."""
        return "pair" if (self.test.item_index > 0).any() else "shopper"

    @property
    def base_rate(self) -> float:
        """Share of all pairs that have the target."""
        return float(np.average(self.test.label > 0, weights=self.test.weight))

    @cached_property
    def said(self) -> dict[str, Float64Array]:
        """What each model says of the examples, float64 [n]."""
        return {name: model.predict(self.test) for name, model in self.predictors.items()}

    @property
    def of_chosen(self) -> Float64Array:
        """What the chosen model says, float64 [n]."""
        return self.said[self.name]

    def effects(self, n: int, seed: int) -> Effects:
        """Evidence of the chosen model for so many examples drawn at random: names, values, effects."""
        if (n, seed) not in self._effects:
            self._effects[n, seed] = self.model.effects(self.test.take(self.drawn(n, seed)))
        return self._effects[n, seed]

    def drawn(self, n: int, seed: int) -> Int64Array:
        """Places of so many examples at random, ascending."""
        rng = np.random.default_rng(seed)
        places: Int64Array = np.sort(rng.choice(len(self.test), min(n, len(self.test)), replace=False))
        return places

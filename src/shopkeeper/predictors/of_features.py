"""The base of predictors that see nothing but the table of features: floats in, log-odds out."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

from shopkeeper.data.examples.examples import Examples
from shopkeeper.predictors.base import Predictor
from shopkeeper.progress import Progress
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Float32Array, Float64Array


class HeldOut(NamedTuple):
    """Examples for early stopping.

    Attributes:
        values: float32 [m, d].
        label: float32 [m].
        weight: float64 [m]; gives them the rate of negatives of training.
    """

    values: Float32Array
    label: Float32Array
    weight: Float64Array


class FeaturePredictor(Predictor):
    """Base of predictors of features."""

    def effects(self, examples: Examples) -> tuple[tuple[str, ...], Float32Array, Float64Array]:
        """What each feature adds to the log-odds."""
        values = self._values(examples)
        return self._fitted(), values, self._effects(values)

    def _learn(
        self, train: Examples, validation: Examples | None, training: TrainingSettings | None, progress: Progress | None
    ) -> None:
        later = None
        if validation is not None:
            later = HeldOut(self._values(validation), validation.label, self._relative(validation))
        self._fit(self._values(train), train.label, later)

    def _scores(self, examples: Examples) -> Float64Array:
        return self._log_odds(self._values(examples))

    @abstractmethod
    def _fit(self, values: Float32Array, label: Float32Array, validation: HeldOut | None) -> None:
        """Learns from features (float32 [n, d], NaN where unknown) and labels (float32 [n])."""

    @abstractmethod
    def _log_odds(self, values: Float32Array) -> Float64Array:
        """Log-odds, or a score that is calibrated to them, or amounts, float64 [n]."""

    @abstractmethod
    def _effects(self, values: Float32Array) -> Float64Array:
        """What each feature adds to them, float64 [n, d]."""

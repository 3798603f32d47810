"""What linear predictors share: scaled features, coefficients, and effects that add up to the score."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopkeeper.predictors.of_features import FeaturePredictor, HeldOut
from shopkeeper.predictors.scaling import Scaling
from shopkeeper.types import Float32Array, Float64Array


class LinearPredictor(FeaturePredictor):
    """Base of predictors whose log-odds are a weighted sum of scaled features."""

    scaling: Scaling
    coefficients: Float64Array
    intercept: float

    def _fit(
        self,
        values: Float32Array,
        label: Float32Array,
        validation: HeldOut | None,
    ) -> None:
        self.scaling = Scaling.fitted(values)
        self.coefficients, self.intercept = self._line(self.scaling(values), label)

    @abstractmethod
    def _line(self, scaled: Float64Array, label: Float32Array) -> tuple[Float64Array, float]:
        """Coefficients, float64 [d], and the intercept, of scaled features, float64 [n, d]."""

    def _log_odds(self, values: Float32Array) -> Float64Array:
        odds: Float64Array = self.scaling(values) @ self.coefficients + self.intercept
        return odds

    def _effects(self, values: Float32Array) -> Float64Array:
        return self.scaling.folded(self.scaling(values) * self.coefficients)

    def state(self) -> dict[str, NDArray[Any]]:
        """Scaling, coefficients and intercept."""
        return self.scaling.state() | {"coefficients": self.coefficients, "intercept": np.array([self.intercept])}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes them back."""
        self.scaling = Scaling.restored(state)
        self.coefficients, self.intercept = state["coefficients"], float(state["intercept"][0])

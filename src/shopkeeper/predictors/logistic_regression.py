"""Logistic regression on scaled features: the classical baseline, whose reasons are exact."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from shopkeeper.errors import missing_dependency
from shopkeeper.predictors.base import PredictorConfig
from shopkeeper.predictors.linear import LinearPredictor
from shopkeeper.search_space import Floats, SearchSpace
from shopkeeper.types import Float32Array, Float64Array


class LogisticRegressionConfig(PredictorConfig):
    """Settings of `LogisticRegression`."""

    inverse_penalty: Annotated[float, Field(gt=0)] = 1.0
    """The larger, the less are coefficients drawn to 0 (C of scikit-learn)."""
    steps: Annotated[int, Field(ge=1)] = 1000
    """At most so many steps of the solver."""

    search: ClassVar[SearchSpace] = {"inverse_penalty": Floats(1e-4, 1e2, log=True)}


class LogisticRegression(LinearPredictor):
    """Logistic regression with a quadratic penalty."""

    Config = LogisticRegressionConfig
    config: LogisticRegressionConfig

    def _line(self, scaled: Float64Array, label: Float32Array) -> tuple[Float64Array, float]:
        try:
            from sklearn.linear_model import LogisticRegression as Solver
        except ModuleNotFoundError as error:
            raise missing_dependency("sklearn", "classical", "logistic regression") from error
        solver = Solver(C=self.config.inverse_penalty, max_iter=self.config.steps).fit(scaled, label)
        return solver.coef_[0].astype("float64"), float(solver.intercept_[0])

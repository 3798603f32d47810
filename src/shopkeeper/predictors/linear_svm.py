"""Linear support vector machine (Cortes and Vapnik 1995); its margin becomes a probability by Platt's line."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from shopkeeper.errors import missing_dependency
from shopkeeper.predictors.base import PredictorConfig
from shopkeeper.predictors.calibration import Calibration
from shopkeeper.predictors.linear import LinearPredictor
from shopkeeper.search_space import Floats, SearchSpace
from shopkeeper.types import Float32Array, Float64Array


class LinearSVMConfig(PredictorConfig):
    """Settings of `LinearSVM`."""

    inverse_penalty: Annotated[float, Field(gt=0)] = 0.1
    """The larger, the less are coefficients drawn to 0 (C of scikit-learn)."""
    steps: Annotated[int, Field(ge=1)] = 5000
    """At most so many steps of the solver."""

    search: ClassVar[SearchSpace] = {"inverse_penalty": Floats(1e-5, 10.0, log=True)}


class LinearSVM(LinearPredictor):
    """Linear support vector machine with squared hinge loss.

    A margin is no log-odds: a line through it is fitted on the examples of training, and becomes part of the
    coefficients, so that effects are of log-odds too.
    """

    Config = LinearSVMConfig
    config: LinearSVMConfig

    def _line(self, scaled: Float64Array, label: Float32Array) -> tuple[Float64Array, float]:
        try:
            from sklearn.svm import LinearSVC
        except ModuleNotFoundError as error:
            raise missing_dependency("sklearn", "classical", "a support vector machine") from error
        solver = LinearSVC(C=self.config.inverse_penalty, max_iter=self.config.steps, dual=False).fit(scaled, label)
        coefficients, intercept = solver.coef_[0].astype(np.float64), float(solver.intercept_[0])
        margin = scaled @ coefficients + intercept
        line = Calibration.fitted("platt", margin, label, np.ones(len(label)))
        return coefficients * line.slope, intercept * line.slope + line.shift

"""Makes probabilities true: a rising function of what a model says, fitted on examples that it was not trained on."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from shopkeeper.types import Float32Array, Float64Array

CalibrationMethod: TypeAlias = Literal["none", "temperature", "platt", "isotonic"]
EDGE = 1e-7
"""Probabilities are kept so far from 0 and 1, where odds end."""


class Calibration:
    """One rising function from a log-odds to a probability, given by its values at knots or by a line of log-odds.

    Args:
        slope: Of the line.
        shift: Of the line.
        knots: float64 [k]; log-odds at which a step function has `values`, or None for the line.
        values: float64 [k]; between knots the probability is interpolated.
    """

    def __init__(
        self,
        slope: float = 1.0,
        shift: float = 0.0,
        knots: Float64Array | None = None,
        values: Float64Array | None = None,
    ) -> None:
        self.slope, self.shift, self.knots, self.values = slope, shift, knots, values

    @staticmethod
    def fitted(method: CalibrationMethod, odds: Float64Array, label: Float32Array, weight: Float64Array) -> Calibration:
        """The function of a method that fits examples best.

        Temperature (Guo et al. 2017) scales log-odds, Platt (1999) shifts them too, isotonic (Zadrozny and Elkan 2002)
        is the best rising step function.

        Args:
            method: Which; "none" leaves probabilities as they are.
            odds: float64 [n]; logarithms of odds, or any score for Platt and isotonic.
            label: float32 [n].
            weight: float64 [n].
        """
        if method == "none" or len(odds) == 0:
            return Calibration()
        if method == "temperature" and len(np.unique(label > 0)) < 2:
            return Calibration()  # no temperature says that something never comes
        if method == "isotonic":
            return _isotonic(odds, label, weight)
        return _line(odds, label, weight, with_shift=method == "platt")

    def __call__(self, odds: Float64Array) -> Float64Array:
        """Probabilities, float64 [n]."""
        if self.knots is None or self.values is None:
            line: Float64Array = expit(self.slope * odds + self.shift)
            return line
        return np.interp(odds, self.knots, self.values).astype(np.float64)

    def state(self) -> dict[str, NDArray[Any]]:
        """As named arrays."""
        line = {"calibration.line": np.array([self.slope, self.shift])}
        if self.knots is None or self.values is None:
            return line
        return line | {"calibration.knots": self.knots, "calibration.values": self.values}

    @staticmethod
    def restored(state: dict[str, NDArray[Any]]) -> Calibration:
        """From what `state` gave."""
        slope, shift = (float(value) for value in state["calibration.line"])
        return Calibration(slope, shift, state.get("calibration.knots"), state.get("calibration.values"))


def log_odds(probability: Float64Array) -> Float64Array:
    """Logarithms of odds, finite."""
    odds: Float64Array = logit(np.clip(probability, EDGE, 1 - EDGE))
    return odds


def _line(odds: Float64Array, label: Float32Array, weight: Float64Array, with_shift: bool) -> Calibration:
    """The line of log-odds of the smallest log loss. Platt's targets keep it finite where a line parts the labels."""
    from scipy.optimize import minimize

    positive, negative = float(weight[label > 0].sum()), float(weight[label <= 0].sum())
    target = np.where(label > 0, (positive + 1) / (positive + 2), 1 / (negative + 2))
    share = weight / weight.sum()

    def loss(line: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        score = line[0] * odds + (line[1] if with_shift else 0.0)
        value = (share * (np.logaddexp(0, score) - target * score)).sum()
        slope = share * (expit(score) - target)
        return float(value), np.array([(slope * odds).sum(), slope.sum() if with_shift else 0.0])

    bounds = [(0.0, None), (None, None)]
    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=bounds)
    return Calibration(float(found.x[0]), float(found.x[1]))


def _isotonic(odds: Float64Array, label: Float32Array, weight: Float64Array) -> Calibration:
    from scipy.optimize import isotonic_regression

    knots, which = np.unique(odds, return_inverse=True)
    mass = np.bincount(which, weight)
    share = np.bincount(which, weight * label) / mass
    values = np.asarray(isotonic_regression(share, weights=mass).x, dtype=np.float64)
    never, always = mass[values <= 0].sum(), mass[values >= 1].sum()
    values = np.clip(values, 1 / (never + 2), 1 - 1 / (always + 2))  # nothing is certain after so many examples
    return Calibration(knots=knots, values=values)

"""Makes probabilities true: a rising function of what a model says, fitted on examples that it was not trained on."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from shopkeeper.types import Float32Array, Float64Array

CalibrationMethod: TypeAlias = Literal["none", "temperature", "platt", "piecewise", "isotonic"]
EDGE = 1e-7
"""Probabilities are kept so far from 0 and 1, where odds end."""
TINY: Final = 1e-6
"""Weight of the pull of a shift to 0."""
KNOTS: Final = 6
"""Of the piecewise line at most."""
A_KNOT: Final = 30
"""So many examples with the target there must be for each knot."""


class Calibration:
    """One rising function from a log-odds to a probability: a line of log-odds, a broken one, or steps.

    Args:
        slope: Of the line.
        shift: Of the line.
        knots: float64 [k]; log-odds at which a step function has `values`, or None for the line.
        values: float64 [k]; between knots the probability is interpolated.
        odds: float64 [k]; or these log-odds at the knots are, and go on with slope 1 outside.
    """

    def __init__(
        self,
        slope: float = 1.0,
        shift: float = 0.0,
        knots: Float64Array | None = None,
        values: Float64Array | None = None,
        odds: Float64Array | None = None,
    ) -> None:
        self.slope, self.shift, self.knots, self.values, self.odds = slope, shift, knots, values, odds

    @staticmethod
    def fitted(method: CalibrationMethod, odds: Float64Array, label: Float32Array, weight: Float64Array) -> Calibration:
        """The function of a method that fits examples best.

        Temperature (Guo et al. 2017) scales log-odds, Platt (1999) shifts them too, a piecewise line bends at a few
        knots between which equally many have the target, isotonic (Zadrozny and Elkan 2002) is the best rising step
        function.

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
        if method == "piecewise":
            return _piecewise(odds, label, weight)
        return _line(odds, label, weight, with_shift=method == "platt")

    def __call__(self, odds: Float64Array) -> Float64Array:
        """Probabilities, float64 [n]."""
        if self.knots is not None and self.odds is not None:
            below, above = np.minimum(odds - self.knots[0], 0), np.maximum(odds - self.knots[-1], 0)
            broken: Float64Array = expit(np.interp(odds, self.knots, self.odds) + below + above)
            return broken
        if self.knots is None or self.values is None:
            line: Float64Array = expit(self.slope * odds + self.shift)
            return line
        return np.interp(odds, self.knots, self.values).astype(np.float64)

    def state(self) -> dict[str, NDArray[Any]]:
        """As named arrays."""
        line = {"calibration.line": np.array([self.slope, self.shift])}
        if self.knots is not None and self.odds is not None:
            return line | {"calibration.knots": self.knots, "calibration.odds": self.odds}
        if self.knots is None or self.values is None:
            return line
        return line | {"calibration.knots": self.knots, "calibration.values": self.values}

    @staticmethod
    def restored(state: dict[str, NDArray[Any]]) -> Calibration:
        """From what `state` gave."""
        slope, shift = (float(value) for value in state["calibration.line"])
        return Calibration(
            slope, shift, state.get("calibration.knots"), state.get("calibration.values"), state.get("calibration.odds")
        )

    def moved(self, offset: float) -> Calibration:
        """The same function of log-odds that lack so much; of a line or a broken one."""
        knots = None if self.knots is None else self.knots - offset
        return Calibration(self.slope, self.shift + self.slope * offset, knots, self.values, self.odds)


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


def _piecewise(odds: Float64Array, label: Float32Array, weight: Float64Array) -> Calibration:
    """The rising broken line of the smallest log loss; of few examples with the target a line, or a shift alone.

    It gives back the sum of the labels exactly, and the sum of those around each knot nearly so. A weak pull to slope 1
    keeps it finite where there is nothing to learn from.
    """
    from scipy.optimize import minimize

    came = label > 0
    knots = np.unique(np.quantile(odds[came], np.linspace(0, 1, min(KNOTS, max(1, int(came.sum()) // A_KNOT)))) if
                      came.any() else odds[:1])  # fmt: skip
    width = np.diff(knots)
    inside = _shares(odds, knots)
    outside = np.minimum(odds - knots[0], 0) + np.maximum(odds - knots[-1], 0) + knots[0]

    def loss(values: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        score = values[0] + outside + inside @ values[1:]
        pull = (values[1:] - width) / width
        slope = weight * (expit(score) - came)
        value = (weight * (np.logaddexp(0, score) - came * score)).sum() + (pull**2).sum() + values[0] ** 2 * TINY
        ends = np.concatenate([[slope.sum() + 2 * values[0] * TINY], inside.T @ slope + 2 * pull / width])
        return float(value), ends

    bounds = [(None, None), *((0.0, None) for _ in width)]
    found = minimize(loss, np.concatenate([[0.0], width]), jac=True, method="L-BFGS-B", bounds=bounds)
    return Calibration(knots=knots, odds=knots[0] + np.concatenate([found.x[:1], found.x[0] + np.cumsum(found.x[1:])]))


def _shares(odds: Float64Array, knots: Float64Array) -> Float64Array:
    """How much of each stretch between knots lies below each of the odds, float64 [n, knots - 1]; 0 to 1."""
    below: Float64Array = np.clip((odds[:, None] - knots[:-1]) / np.diff(knots), 0, 1)
    return below


def _isotonic(odds: Float64Array, label: Float32Array, weight: Float64Array) -> Calibration:
    from scipy.optimize import isotonic_regression

    knots, which = np.unique(odds, return_inverse=True)
    mass = np.bincount(which, weight)
    share = np.bincount(which, weight * label) / mass
    values = np.asarray(isotonic_regression(share, weights=mass).x, dtype=np.float64)
    never, always = mass[values <= 0].sum(), mass[values >= 1].sum()
    values = np.clip(values, 1 / (never + 2), 1 - 1 / (always + 2))  # nothing is certain after so many examples
    return Calibration(knots=knots, values=values)

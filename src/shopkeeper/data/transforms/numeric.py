"""Numbers on a common scale: standard, min-max, log, quantile.

Each reads numbers, booleans or moments (as days). A missing value takes the center of the training part (its mean, the
median for `quantile`); a constant column gives zeros. Statistics are of the training rows, in float64.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from shopkeeper.data.transforms.base import Outcome, Step, Transform
from shopkeeper.data.transforms.columns import as_numbers
from shopkeeper.types import BoolArray, Float64Array

if TYPE_CHECKING:
    import pyarrow as pa

_BOUND = 1e-7
"""A normal quantile is cut at this probability from 0 and 1, so at 5.2 standard deviations (as scikit-learn does)."""


class StandardStep(Step):
    """Mean 0, variance 1."""

    kind: Literal["standard"] = "standard"
    """Kind of transform."""


class MinMaxStep(Step):
    """The training range becomes 0 to 1."""

    kind: Literal["min_max"] = "min_max"
    """Kind of transform."""
    clip: bool = True
    """Whether later values outside the training range become 0 or 1."""


class LogStep(Step):
    """sign(x) log(1 + |x|), for prices and counts."""

    kind: Literal["log"] = "log"
    """Kind of transform."""
    standardize: bool = True
    """Whether mean 0 and variance 1 follow."""


class QuantileStep(Step):
    """The share of training values that lie below, for any shape of distribution."""

    kind: Literal["quantile"] = "quantile"
    """Kind of transform."""
    n_quantiles: Annotated[int, Field(ge=2)] = 1000
    """Points of the distribution that are kept; linear between them."""
    distribution: Literal["uniform", "normal"] = "uniform"
    """`uniform` gives 0 to 1, `normal` the standard normal deviate of that share."""


class NumericTransform(Transform[Float64Array]):
    """Base of the transforms of numbers: one column of values, missing ones filled before the mapping."""

    fill: float = 0.0

    def read(self, column: pa.Array) -> Float64Array:
        """The column as float64 [n], NaN where missing."""
        return as_numbers(self.step.column, column)

    def missing(self, values: Float64Array) -> BoolArray:
        """Which values are NaN, bool [n]."""
        return np.isnan(values)

    def learn(self, values: Float64Array, outcome: Outcome | None) -> None:
        """Learns from the values that are known; where none is, as from a constant 0."""
        known = values[~np.isnan(values)]
        self.learn_known(known if known.size else np.zeros(1))

    def transform(self, values: Float64Array) -> Float64Array:
        """float64 [n, 1]."""
        with np.errstate(over="ignore"):  # infinities are cut to the range of float32 afterwards
            return self.map(np.where(np.isnan(values), self.fill, values))[:, None]

    def value_names(self) -> list[str]:
        """The label alone."""
        return [self.step.label]

    @abstractmethod
    def learn_known(self, known: Float64Array) -> None:
        """Sets the `fitted` attributes from at least one finite value."""

    @abstractmethod
    def map(self, values: Float64Array) -> Float64Array:
        """Maps finite values, float64 [n]."""


class Standard(NumericTransform):
    """(x - mean) / standard deviation (of the population)."""

    fitted = ("fill", "center", "scale")
    center: float
    scale: float
    """0 for a constant column."""

    def learn_known(self, known: Float64Array) -> None:
        """Mean and deviation."""
        self.fill = self.center = float(known.mean())
        self.scale = 0.0 if known.min() == known.max() else float(known.std())

    def map(self, values: Float64Array) -> Float64Array:
        """Scales."""
        return (values - self.center) / self.scale if self.scale else np.zeros_like(values)


class MinMax(NumericTransform):
    """(x - smallest) / (largest - smallest)."""

    step: MinMaxStep
    fitted = ("fill", "smallest", "largest")
    smallest: float
    largest: float

    def learn_known(self, known: Float64Array) -> None:
        """Range and mean."""
        self.fill, self.smallest, self.largest = float(known.mean()), float(known.min()), float(known.max())

    def map(self, values: Float64Array) -> Float64Array:
        """Scales, and cuts where asked."""
        extent = self.largest - self.smallest
        if extent == 0:
            return np.zeros_like(values)
        scaled = (values - self.smallest) / extent
        return np.clip(scaled, 0, 1) if self.step.clip else scaled


class Log(Standard):
    """sign(x) log(1 + |x|), then standard where asked; negative numbers keep their sign."""

    step: LogStep

    def read(self, column: pa.Array) -> Float64Array:
        """The logarithms as float64 [n], NaN where missing."""
        values = super().read(column)
        return np.sign(values) * np.log1p(np.abs(values))

    def learn_known(self, known: Float64Array) -> None:
        """Mean and deviation of the logarithms; the mean alone where they shall not be standardized."""
        super().learn_known(known)
        if not self.step.standardize and self.scale:
            self.center, self.scale = 0.0, 1.0


class Quantile(NumericTransform):
    """Share of training values below x, halfway through ties, linear between `n_quantiles` kept points."""

    step: QuantileStep
    fitted = ("fill", "points")
    points: Float64Array
    """float64 [n_quantiles]; quantiles of the training part in ascending order."""

    def learn_known(self, known: Float64Array) -> None:
        """Quantiles of the training part."""
        shares = np.linspace(0, 1, min(self.step.n_quantiles, len(known)))
        self.points = np.maximum.accumulate(np.quantile(known, shares))
        self.fill = float(np.median(known))

    def map(self, values: Float64Array) -> Float64Array:
        """Interpolates from below and from above; the mean of both is the middle of a run of ties."""
        if self.points[0] == self.points[-1]:
            return np.zeros_like(values)
        shares = np.linspace(0, 1, len(self.points))
        below = np.interp(values, self.points, shares)
        above = 1 - np.interp(-values, -self.points[::-1], shares)
        share = (below + above) / 2
        share[values <= self.points[0]] = 0
        share[values >= self.points[-1]] = 1
        if self.step.distribution == "uniform":
            return share
        from scipy.special import ndtri

        return np.asarray(ndtri(np.clip(share, _BOUND, 1 - _BOUND)))

"""Target encoding within time: the mean outcome of a category, as it was known at the moment of each row.

A training row sees only rows of strictly earlier time (rows of the same moment do not see each other); a later row sees
the whole training part. Both are smoothed towards the mean of all rows seen:

    (sum of targets in the category + smoothing * overall mean) / (rows in the category + smoothing)

It is Micci-Barreca's estimate (2001) with the ordering of Prokhorenkova et al. (2018), by real time in place of a
random permutation. Targets are added up in fixed point, so that a sum does not change by a bit with what comes later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shopkeeper.data.transforms.base import Outcome
from shopkeeper.data.transforms.categorical import CategoricalStep, CategoricalTransform, frequent_categories
from shopkeeper.errors import DataError
from shopkeeper.types import Float32Array, Float64Array, Int32Array, Int64Array

if TYPE_CHECKING:
    import pyarrow as pa

UNITS = 2**24
"""A target is rounded to a multiple of 1 / UNITS, about 6e-8."""
LARGEST_SUM = 2.0**38
"""The absolute targets must not add up to more than this."""


class TargetStep(CategoricalStep):
    """The mean outcome of the category so far."""

    kind: Literal["target"] = "target"
    """Kind of transform."""
    smoothing: Annotated[float, Field(gt=0)] = 20.0
    """The overall mean counts as so many rows of the category."""
    first: float = 0.0
    """The overall mean before there is any row."""


class TargetEncoding(CategoricalTransform):
    """float32 [n, 1]; a new or missing category takes the overall mean."""

    step: TargetStep
    fitted = ("categories", "sums", "counts")
    sums: Float64Array
    """float64 [categories + 1]; sum of targets; place 0 is of all rows."""
    counts: Int64Array
    """int64 [categories + 1]; number of rows; place 0 is of all rows."""

    def learn(self, values: pa.Array, outcome: Outcome | None) -> None:
        """Sums and counts of the whole training part, which later rows see."""
        known = self._checked(outcome, len(values))
        self.categories = frequent_categories(values, 1, None)
        codes = self.codes(values)
        self.counts = np.bincount(codes, minlength=len(self.categories) + 1).astype(np.int64)
        units = np.zeros(len(self.counts), dtype=np.int64)
        np.add.at(units, codes, _in_units(known.target))
        self.counts[0], units[0] = len(codes), units.sum()
        self.sums = units / UNITS

    def transform(self, values: pa.Array) -> Float32Array:
        """What is known after the training part, float32 [n, 1]."""
        codes = self.codes(values)
        overall = self.sums[0] / self.counts[0]
        sums, counts = self.sums.copy(), self.counts.copy()
        sums[0] = counts[0] = 0
        return self._smoothed(sums[codes], counts[codes], overall)

    def fit_apply(self, column: pa.Array, outcome: Outcome | None = None) -> NDArray[np.float32]:
        """Learns, and maps each training row by the rows before it, float32 [n, width]."""
        self.fit(column, outcome)
        known = self._checked(outcome, len(column))
        values = self.read(column)
        codes, units = self.codes(values), _in_units(known.target)
        all_sums, all_counts = sums_before(np.zeros(len(codes), np.int32), units, known.time)
        overall = np.where(all_counts > 0, all_sums / np.maximum(all_counts, 1), self.step.first)
        sums, counts = sums_before(codes, units, known.time)
        in_category = codes > 0
        return self._marked(self._smoothed(sums * in_category, counts * in_category, overall), values)

    def value_names(self) -> list[str]:
        """The label alone."""
        return [self.step.label]

    def _smoothed(self, sums: Float64Array, counts: Int64Array, overall: Float64Array | float) -> Float32Array:
        smoothing = self.step.smoothing
        return ((sums + smoothing * overall) / (counts + smoothing)).astype(np.float32)[:, None]

    def _checked(self, outcome: Outcome | None, n_rows: int) -> Outcome:
        if outcome is None:
            raise DataError(f"{self.step.label!r} needs to know what happened", expected="a target and a time a row")
        if len(outcome.target) != n_rows:
            raise DataError("targets and rows differ in number", expected=str(n_rows), got=str(len(outcome.target)))
        if np.abs(outcome.target).sum() > LARGEST_SUM:
            raise DataError(
                "targets are too large to be added up exactly", expected=f"a sum below {LARGEST_SUM:.0f}",
                remedy="divide them by their mean",
            )  # fmt: skip
        return outcome


def sums_before(codes: Int32Array, units: Int64Array, time: Int64Array) -> tuple[Float64Array, Int64Array]:
    """For each row the sum and number of the rows of the same code and strictly earlier time.

    Args:
        codes: int32 [n]; the group of each row.
        units: int64 [n]; what is added up, in fixed point.
        time: int64 [n].

    Returns:
        Sums (float64 [n], in the unit of the target) and counts (int64 [n]).
    """
    order = np.lexsort((time, codes))
    codes, time = codes[order], time[order]
    totals = np.concatenate([[0], np.cumsum(units[order])])
    places = np.arange(len(order))
    new_group = np.diff(codes, prepend=-1) != 0
    new_moment = new_group | (np.diff(time, prepend=0) != 0)
    group_start = np.maximum.accumulate(np.where(new_group, places, 0))
    moment_start = np.maximum.accumulate(np.where(new_moment, places, 0))
    sums, counts = np.empty(len(order)), np.empty(len(order), dtype=np.int64)
    sums[order] = (totals[moment_start] - totals[group_start]) / UNITS
    counts[order] = moment_start - group_start
    return sums, counts


def _in_units(target: Float64Array) -> Int64Array:
    return np.rint(target * UNITS).astype(np.int64)

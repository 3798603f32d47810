"""One column of zeros and ones: whether a number reaches a threshold, whether a value is there at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from shopkeeper.data.transforms.base import Outcome, Step, Transform
from shopkeeper.data.transforms.columns import LARGEST, is_null
from shopkeeper.data.transforms.numeric import NumericTransform
from shopkeeper.types import BoolArray, Float32Array, Float64Array

if TYPE_CHECKING:
    import pyarrow as pa


class ThresholdStep(Step):
    """1 where a number is at least the threshold; a missing number gives 0."""

    kind: Literal["threshold"] = "threshold"
    """Kind of transform."""
    threshold: float = 0.5
    """The smallest number that counts; the default reads a boolean column."""

    @property
    def label(self) -> str:
        """With the threshold, so that a column may have several."""
        return f"{self.column} at least {self.threshold:g}"


class PresenceStep(Step):
    """1 where a value is there: not null, not NaN, not an empty text or list. Reads a column of any type."""

    kind: Literal["presence"] = "presence"
    """Kind of transform."""


class Threshold(NumericTransform):
    """x >= threshold."""

    step: ThresholdStep
    fill = -np.inf

    def learn_known(self, known: Float64Array) -> None:
        """Nothing to learn."""

    def map(self, values: Float64Array) -> Float64Array:
        """1 or 0."""
        return (values >= self.step.threshold).astype(np.float64)


class Presence(Transform[BoolArray]):
    """Whether there is a value; there is no `is missing` column beside it."""

    def read(self, column: pa.Array) -> BoolArray:
        """Whether each value is there, bool [n]."""
        import pyarrow as pa
        import pyarrow.compute as pc

        kind = column.type
        if pa.types.is_dictionary(kind):
            return self.read(column.dictionary_decode())
        there = ~is_null(column)
        if pa.types.is_floating(kind):
            numbers = pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy(zero_copy_only=False)
            there &= np.abs(numbers) <= LARGEST
        elif _is_text(kind) or _is_list(kind):
            length = pc.binary_length(column) if _is_text(kind) else pc.list_value_length(column)
            there &= pc.fill_null(length, 0).to_numpy(zero_copy_only=False) > 0
        return there

    def missing(self, values: BoolArray) -> BoolArray:
        """None: the value itself says it."""
        return np.zeros(len(values), dtype=bool)

    def learn(self, values: BoolArray, outcome: Outcome | None) -> None:
        """Nothing to learn."""

    def transform(self, values: BoolArray) -> Float32Array:
        """float32 [n, 1]."""
        return values[:, None].astype(np.float32)

    def value_names(self) -> list[str]:
        """The label alone."""
        return [self.step.label]


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_list(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))

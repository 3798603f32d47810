"""Moments on a circle: hour of the day, day of the week, day of the year, each as sine and cosine.

23:59 and 00:00 are neighbors on the clock and far apart as numbers; on the circle they are neighbors again. The clock
is that of a time zone, with its summer time. A missing moment is the center of the circle, (0, 0).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from pydantic import Field, field_validator

from shopkeeper.data.transforms.base import Outcome, Step, Transform
from shopkeeper.data.transforms.columns import as_moments, is_null
from shopkeeper.types import BoolArray, Float32Array, Float64Array

if TYPE_CHECKING:
    import pyarrow as pa

Part = Literal["hour", "weekday", "day_of_year"]


class CyclicStep(Step):
    """Sine and cosine of parts of a moment."""

    kind: Literal["cyclic"] = "cyclic"
    """Kind of transform."""
    parts: tuple[Part, ...] = Field(default=("hour", "weekday", "day_of_year"), min_length=1)
    """`hour` counts minutes and seconds too; the week begins with Monday; the year has its own number of days."""
    timezone: str = "UTC"
    """The clock that is read, for example `Asia/Shanghai`."""

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"a time zone of the IANA data base such as Europe/Berlin ({error})") from error
        return name


class Cyclic(Transform["pa.Array"]):
    """float32 [n, 2 * parts]."""

    step: CyclicStep

    def read(self, column: pa.Array) -> pa.Array:
        """The column as wall clock time, `timestamp[us]`, [n]."""
        import pyarrow as pa
        import pyarrow.compute as pc

        zoned = as_moments(self.step.column, column).cast(pa.timestamp("us", self.step.timezone))
        return pc.local_timestamp(zoned)

    def missing(self, values: pa.Array) -> BoolArray:
        """Which moments are null, bool [n]."""
        return is_null(values)

    def learn(self, values: pa.Array, outcome: Outcome | None) -> None:
        """Nothing to learn."""

    def transform(self, values: pa.Array) -> Float32Array:
        """Sine and cosine of each part in turn."""
        known = ~is_null(values)
        block = np.zeros((len(values), 2 * len(self.step.parts)), dtype=np.float32)
        for place, part in enumerate(self.step.parts):
            angle = 2 * np.pi * _share(values, part)
            block[known, 2 * place] = np.sin(angle[known])
            block[known, 2 * place + 1] = np.cos(angle[known])
        return block

    def value_names(self) -> list[str]:
        """For example `created_at cyclic hour sin`."""
        return [f"{self.step.label} {part} {wave}" for part in self.step.parts for wave in ("sin", "cos")]


def _share(clock: pa.Array, part: Part) -> Float64Array:
    """How much of the day, week or year has passed, float64 [n] in [0, 1), NaN where missing."""
    import pyarrow.compute as pc

    if part == "hour":
        return (_number(pc.hour(clock)) + _number(pc.minute(clock)) / 60 + _number(pc.second(clock)) / 3600) / 24
    if part == "weekday":
        return _number(pc.day_of_week(clock)) / 7
    days = np.where(_number(pc.is_leap_year(clock)) == 1, 366, 365)
    return (_number(pc.day_of_year(clock)) - 1) / days


def _number(column: pa.Array) -> Float64Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = column.cast(pa.uint8()) if pa.types.is_boolean(column.type) else column
    floats: Float64Array = pc.fill_null(numbers.cast(pa.float64()), float("nan")).to_numpy(zero_copy_only=False)
    return floats

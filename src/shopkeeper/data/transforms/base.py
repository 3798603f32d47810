"""What every transform is: fitted on one column of training rows, applied alike when training and when serving.

A transform turns one Arrow column into a block of `values` (float32 [n, width]) or, where an embedding or a tree shall
do the rest, of `indices` (int32 [n, width], `sizes` says how many there are of each). Where the training part had
missing values, a block of values ends with a column that says `is missing`; in a block of indices 0 means missing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from shopkeeper.config import Settings
from shopkeeper.errors import DataError
from shopkeeper.types import BoolArray, Float64Array, Int64Array

if TYPE_CHECKING:
    import pyarrow as pa

ReadT = TypeVar("ReadT")
FLOAT32 = np.finfo(np.float32)


class Step(Settings):
    """Base of the settings of one transform."""

    column: str
    """The column it reads."""

    @property
    def label(self) -> str:
        """Begins the names of its output; two steps must not have the same."""
        return f"{self.column} {getattr(self, 'kind', '')}"


@dataclass(frozen=True)
class Outcome:
    """What happened at each training row, for transforms that learn from it.

    Attributes:
        target: float64 [n]; what was to be predicted, for example 1 where the shopper bought.
        time: int64 [n]; when it was known, Unix microseconds.
    """

    target: Float64Array
    time: Int64Array

    def __post_init__(self) -> None:
        if len(self.target) != len(self.time):
            raise DataError("target and time differ in length", got=f"{len(self.target)} and {len(self.time)}")
        if not np.isfinite(self.target).all():
            raise DataError("a target is missing or not finite", remedy="leave these rows out of the training part")


class Transform(ABC, Generic[ReadT]):
    """Base of all transforms. `ReadT` is what a column is read as: float64 numbers, or an Arrow array.

    A subclass reads the column, learns from it, and maps it; attributes named in `fitted` are saved.

    Args:
        step: The settings.
    """

    fitted: ClassVar[tuple[str, ...]] = ()
    """Names of the attributes that `fit` sets: numbers, NumPy arrays or Arrow arrays."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.marks_missing = False

    @abstractmethod
    def read(self, column: pa.Array) -> ReadT:
        """The column as values to work on.

        Raises:
            DataError: The column is of the wrong type.
        """

    @abstractmethod
    def missing(self, values: ReadT) -> BoolArray:
        """Which values are missing, bool [n]."""

    @abstractmethod
    def learn(self, values: ReadT, outcome: Outcome | None) -> None:
        """Sets the `fitted` attributes from training rows."""

    @abstractmethod
    def transform(self, values: ReadT) -> NDArray[Any]:
        """The block without the `is missing` column, [n, width]; what is missing takes a neutral value."""

    @abstractmethod
    def value_names(self) -> list[str]:
        """Names of the columns of `transform`, length width."""

    @property
    def sizes(self) -> tuple[int, ...] | None:
        """For a block of indices the number of different ones in each column, missing included; None for values."""
        return None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of the block."""
        marks = [f"{self.step.label} is missing"] if self._has_mark else []
        return tuple(self.value_names() + marks)

    @property
    def _has_mark(self) -> bool:
        return self.marks_missing and self.sizes is None

    def fit(self, column: pa.Array, outcome: Outcome | None = None) -> None:
        """Learns from training rows.

        Args:
            column: The column [n], n at least 1.
            outcome: What happened at each row; only target encoding needs it.

        Raises:
            DataError: The column is of the wrong type or empty, or an outcome is needed and there is none.
        """
        if len(column) == 0:
            raise DataError(f"no rows to fit {self.step.label!r} on", expected="at least one training row")
        values = self.read(column)
        self.marks_missing = bool(self.missing(values).any())
        self.learn(values, outcome)

    def apply(self, column: pa.Array) -> NDArray[Any]:
        """Maps any rows, also none.

        Args:
            column: The column [n].

        Returns:
            float32 [n, width] without NaN or infinities, or int32 [n, width] where `sizes` is not None.

        Raises:
            DataError: The column is of the wrong type.
        """
        values = self.read(column)
        return self._marked(self.transform(values), values)

    def fit_apply(self, column: pa.Array, outcome: Outcome | None = None) -> NDArray[Any]:
        """Learns from training rows and maps them, so that no row sees its own or a later outcome."""
        self.fit(column, outcome)
        return self.apply(column)

    def state(self) -> dict[str, Any]:
        """All that was learned: numbers, NumPy arrays and Arrow arrays by name."""
        return {name: getattr(self, name) for name in ("marks_missing", *self.fitted)}

    def restore(self, state: dict[str, Any]) -> None:
        """Takes over what an equal transform learned."""
        for name in ("marks_missing", *self.fitted):
            setattr(self, name, state[name])

    def _marked(self, block: NDArray[Any], values: ReadT) -> NDArray[Any]:
        if self.sizes is not None:
            return block.astype(np.int32, copy=False)
        columns = [np.clip(block, FLOAT32.min, FLOAT32.max).astype(np.float32, copy=False)]
        if self._has_mark:
            columns.append(self.missing(values)[:, None].astype(np.float32))
        return np.concatenate(columns, axis=1) if len(columns) > 1 else columns[0]

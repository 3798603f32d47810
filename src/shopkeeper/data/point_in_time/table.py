"""Named columns of numbers, one row an example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from shopkeeper.errors import DataError
from shopkeeper.types import BoolArray, Float32Array, Int64Array


@dataclass(frozen=True)
class FeatureTable:
    """Features of examples.

    Attributes:
        names: One a column.
        values: float32 [n, columns]; NaN where there is nothing to tell, never infinite.
    """

    names: tuple[str, ...]
    values: Float32Array

    @staticmethod
    def of(columns: Mapping[str, Any], n: int) -> FeatureTable:
        """The table of these columns of n numbers each; what is not finite becomes NaN.

        The values lie by column, as they are made and as trees read them.
        """
        names, waiting = tuple(columns), dict(columns)
        values = np.empty((len(names), n), dtype=np.float32)
        with np.errstate(over="ignore"):
            for row, name in zip(values, names, strict=True):
                row[:] = waiting.pop(name)
                row[~np.isfinite(row)] = np.nan
        return FeatureTable(names, values.T)

    def __len__(self) -> int:
        return len(self.values)

    def column(self, name: str) -> Float32Array:
        """One column, float32 [n]."""
        return self.values[:, self.names.index(name)]

    def take(self, which: Int64Array | BoolArray | slice) -> FeatureTable:
        """The rows at these places."""
        return FeatureTable(self.names, self.values[which])

    def aligned(self, names: tuple[str, ...]) -> Float32Array:
        """The values of these columns in this order, float32 [n, len(names)].

        Raises:
            DataError: A column is missing.
        """
        if names == self.names:
            return self.values
        missing = [name for name in names if name not in self.names]
        if missing:
            raise DataError(
                "features are missing that the model was fitted on", expected=", ".join(names),
                got=f"no {', '.join(missing)}", remedy="make the features with the same settings",
            )  # fmt: skip
        return self.values[:, [self.names.index(name) for name in names]]


def narrow(columns: Mapping[str, Any]) -> dict[str, Float32Array]:
    """The columns as float32, which is what a table holds."""
    with np.errstate(over="ignore"):
        return {name: np.asarray(column, dtype=np.float32) for name, column in columns.items()}

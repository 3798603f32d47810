"""Turns tables into matrices by a fitted list of transforms; the same in training and for one row in a service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shopkeeper.config import build
from shopkeeper.data.transforms.base import Outcome, Transform
from shopkeeper.data.transforms.settings import TRANSFORMS, FeatureSettings
from shopkeeper.data.transforms.state import read_states, write_states
from shopkeeper.errors import DataError, choices
from shopkeeper.types import Float32Array, Int32Array

if TYPE_CHECKING:
    import pyarrow as pa

    from shopkeeper.artifacts import ArtifactReader, ArtifactWriter

SETTINGS = "settings.json"


@dataclass(frozen=True)
class Features:
    """Rows as numbers.

    Attributes:
        values: float32 [n, width]; finite.
        names: Names of the columns of `values`.
        indices: int32 [n, n_index]; for embeddings and trees; 0 means missing.
        index_names: Names of the columns of `indices`.
        index_sizes: For each column of `indices` the number of different ones: all are below it.
    """

    values: Float32Array
    names: tuple[str, ...]
    indices: Int32Array
    index_names: tuple[str, ...]
    index_sizes: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.values)


class FeatureTransformer:
    """A fitted list of transforms. Obtained from `fit`, `fit_apply` or `read`.

    Args:
        settings: The list.
        transforms: A fitted transform for each step.
    """

    def __init__(self, settings: FeatureSettings, transforms: Sequence[Transform[Any]]) -> None:
        self.settings = settings
        self.transforms = tuple(transforms)
        self.names = tuple(name for part in self.transforms if part.sizes is None for name in part.names)
        self.index_names = tuple(name for part in self.transforms if part.sizes is not None for name in part.names)
        self.index_sizes = tuple(size for part in self.transforms for size in part.sizes or ())

    @staticmethod
    def fit(table: pa.Table, settings: FeatureSettings, outcome: Outcome | None = None) -> FeatureTransformer:
        """Learns from training rows only.

        To have features of these same rows, for a model to train on, call `fit_apply`: `apply` treats every row as a
        later one, and a target encoding would tell a training row its own outcome.

        Args:
            table: The training rows, at least one.
            settings: The transforms.
            outcome: Target and time of each row; needed for target encoding only.

        Raises:
            DataError: A column is missing or of the wrong type, or there are no rows.
        """
        transforms = _new_transforms(settings)
        for transform in transforms:
            transform.fit(_column(table, transform.step.column), outcome)
        return FeatureTransformer(settings, transforms)

    @staticmethod
    def fit_apply(
        table: pa.Table, settings: FeatureSettings, outcome: Outcome | None = None
    ) -> tuple[FeatureTransformer, Features]:
        """Learns from training rows and maps them, each by what was known before its time.

        Args:
            table: The training rows, at least one.
            settings: The transforms.
            outcome: Target and time of each row; needed for target encoding only.

        Returns:
            The transformer for later rows, and the features of these rows.

        Raises:
            DataError: A column is missing or of the wrong type, or there are no rows.
        """
        transforms = _new_transforms(settings)
        blocks = [transform.fit_apply(_column(table, transform.step.column), outcome) for transform in transforms]
        fitted = FeatureTransformer(settings, transforms)
        return fitted, fitted._beside(blocks, table.num_rows)

    def apply(self, rows: pa.Table | Mapping[str, Sequence[Any]]) -> Features:
        """Maps rows that are not training rows, also none or a single one.

        Args:
            rows: A table, or lists of values by column name (one row: lists of one value).

        Raises:
            DataError: A column is missing or of another type than in the training part.
        """
        table = rows if hasattr(rows, "num_rows") else _as_table(rows)
        blocks = (transform.apply(_column(table, transform.step.column)) for transform in self.transforms)
        return self._beside(blocks, table.num_rows)

    def write(self, writer: ArtifactWriter) -> None:
        """Writes settings and all that was learned into a folder of an artifact."""
        writer.json(SETTINGS, self.settings.model_dump(mode="json"))
        write_states(writer, [transform.state() for transform in self.transforms])

    @staticmethod
    def read(reader: ArtifactReader) -> FeatureTransformer:
        """Reads what `write` wrote."""
        settings = build(FeatureSettings, reader.json(SETTINGS))
        transforms = _new_transforms(settings)
        states = read_states(reader, [("marks_missing", *transform.fitted) for transform in transforms])
        for transform, state in zip(transforms, states, strict=True):
            transform.restore(state)
        return FeatureTransformer(settings, transforms)

    def _beside(self, blocks: Iterable[NDArray[Any]], n_rows: int) -> Features:
        values = np.empty((n_rows, len(self.names)), dtype=np.float32)
        indices = np.empty((n_rows, len(self.index_names)), dtype=np.int32)
        n_values = n_indices = 0
        for transform, block in zip(self.transforms, blocks, strict=True):
            width = block.shape[1]
            if transform.sizes is None:
                values[:, n_values : n_values + width] = block
                n_values += width
            else:
                indices[:, n_indices : n_indices + width] = block
                n_indices += width
        return Features(values, self.names, indices, self.index_names, self.index_sizes)


def _new_transforms(settings: FeatureSettings) -> list[Transform[Any]]:
    return [TRANSFORMS[type(step)](step) for step in settings.steps]


def _column(table: pa.Table, name: str) -> pa.Array:
    import pyarrow as pa

    if name not in table.column_names:
        raise DataError(f"the table has no column {name!r}", expected=choices(name, table.column_names))
    column = table.column(name)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _as_table(rows: Mapping[str, Sequence[Any]]) -> pa.Table:
    import pyarrow as pa

    try:
        return pa.table({name: pa.array(values) for name, values in rows.items()})
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            "rows are not a table", expected="lists of equal length with values of one type", got=str(error)
        ) from error

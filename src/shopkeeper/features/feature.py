"""A feature: one vector an item, in the order of a vocabulary, as an artifact folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from shopkeeper.artifacts import open_artifact, write_artifact
from shopkeeper.data.schema import ITEM_ID
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.types import BoolArray, Float32Array, Int64Array

if TYPE_CHECKING:
    import pyarrow as pa

KIND: Final = "feature"
MATRIX, KNOWN, ITEMS, FACTS = "matrix.npy", "known.npy", "items.parquet", "facts.json"
TABLE: Final = "table.parquet"

UNFINISHED: Final = "unfinished"
"""In the facts: whether another try may give items that are without the feature theirs."""


@dataclass(frozen=True)
class Feature:
    """What is known of items in one respect.

    Attributes:
        name: Of its folder in the store, such as "text-minilm".
        items: Whose rows they are; the item of index i has row i.
        matrix: float32 [n_items + 1, size]; row 0 and the rows of items without the feature are zeros.
        known: bool [n_items + 1]; which items have the feature; place 0 is False.
        facts: How it was made, plain JSON.
        table: The same in words, a row an item in the order of `items`, where there is more to say than numbers do.
    """

    name: str
    items: Vocabulary
    matrix: Float32Array
    known: BoolArray
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)
    table: pa.Table | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        rows = len(self.items) + 1
        if self.matrix.ndim != 2 or len(self.matrix) != rows or self.known.shape != (rows,):
            raise DataError(
                f"the feature {self.name!r} does not fit its items",
                expected=f"{rows} rows, the first for padding",
                got=f"{self.matrix.shape} and {self.known.shape}",
            )

    @property
    def size(self) -> int:
        """Length of a vector."""
        return int(self.matrix.shape[1])

    @property
    def coverage(self) -> float:
        """Share of the items that have it."""
        return float(self.known[1:].mean()) if len(self.items) else 0.0

    def aligned(self, items: Vocabulary) -> Feature:
        """The same for another vocabulary; items that this one lacks are without the feature."""
        if items == self.items:
            return self
        places = np.concatenate([[0], self.items.indices(items.arrow)])
        table = None if self.table is None else _rows(self.table, items, places[1:])
        return Feature(self.name, items, np.asarray(self.matrix)[places], self.known[places], self.facts, table)

    def save(self, folder: Path) -> None:
        """Writes the artifact folder, atomically.

        Raises:
            ArtifactError: The place is taken by something else or the disk refuses.
        """
        import pyarrow as pa

        with write_artifact(folder, KIND) as writer:
            writer.array(MATRIX, self.matrix)
            writer.array(KNOWN, self.known)
            writer.table(ITEMS, pa.table({"id": self.items.arrow}))
            writer.json(FACTS, {**self.facts, "name": self.name})
            if self.table is not None:
                writer.table(TABLE, self.table)

    @staticmethod
    def open(folder: Path) -> Feature:
        """Opens a folder; the matrix is memory-mapped.

        Raises:
            ArtifactError: There is none, or it is damaged.
        """
        reader = open_artifact(folder, KIND, verify="size")
        facts = reader.json(FACTS)
        items = Vocabulary(reader.table(ITEMS).column("id"))
        table = reader.table(TABLE) if reader.has(TABLE) else None
        return Feature(facts["name"], items, reader.array(MATRIX), np.asarray(reader.array(KNOWN)), facts, table)


def _rows(table: pa.Table, items: Vocabulary, places: Int64Array) -> pa.Table:
    """Rows of a table by place from 1 on, null where it is 0, with the ids of other items."""
    import pyarrow as pa

    chosen = table.take(pa.array(places - 1, mask=places == 0))
    return chosen.set_column(chosen.column_names.index(ITEM_ID), ITEM_ID, items.arrow)

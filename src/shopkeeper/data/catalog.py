"""What is known of the items, by the shop's own ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Catalog:
    """One row an item; canonical columns where known, any other column kept as an attribute.

    Attributes:
        table: Arrow table with `item_id` (int64 or large_string, distinct) and whatever else is known.
    """

    table: pa.Table

    def __len__(self) -> int:
        return int(self.table.num_rows)

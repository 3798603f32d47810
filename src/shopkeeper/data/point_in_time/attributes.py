"""What items are, in words: the item itself, its brand, its category and department.

Codes hold within one dataset; the words behind them hold everywhere, so that a model that learned codes of one dataset
can be asked about another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopkeeper.types import Int64Array

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class Attribute:
    """One fact of every item.

    Attributes:
        name: `item`, `brand`, `category` or `department`.
        codes: int64 [n_items + 1]; from 1, 0 where it is not known; row 0 is no item.
        words: The word of code c is at place c - 1; ids of items are integers or text, others text.
    """

    name: str
    codes: Int64Array
    words: pa.Array

    def translated(self, words: pa.Array) -> Int64Array:
        """The codes of the items in another list of words, int64 [n_items + 1]; 0 for what that lacks."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if self.words.equals(words):
            return self.codes
        if len(self.words) == 0 or len(words) == 0:
            return np.zeros_like(self.codes)
        own = self.words
        if pa.types.is_integer(own.type) != pa.types.is_integer(words.type):  # ids prepared as text and as numbers
            own, words = own.cast(pa.string()), words.cast(pa.string())
        places = pc.fill_null(pc.index_in(own, value_set=words.cast(own.type)), -1)
        table = np.append(0, places.to_numpy(zero_copy_only=False) + 1).astype(np.int64)
        return np.asarray(table[self.codes])

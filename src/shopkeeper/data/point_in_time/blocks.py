"""Features block by block: what lies between stays small, and blocks are made side by side where there are cores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.point_in_time.asked import Asked
from shopkeeper.data.point_in_time.log import Log
from shopkeeper.data.point_in_time.of_items import OfItems
from shopkeeper.data.point_in_time.of_pairs import OfPairs, context_features, similarity_to_history
from shopkeeper.data.point_in_time.of_users import WINDOWS, Columns, OfUsers
from shopkeeper.data.point_in_time.sequences import PastEvents
from shopkeeper.data.point_in_time.table import FeatureTable
from shopkeeper.data.point_in_time.threads import together
from shopkeeper.errors import DataError
from shopkeeper.types import Float32Array

BLOCK = 1 << 16
"""Examples of which features are made at a time; a multiple of what one thread of NumPy holds in its caches."""


class Features:
    """Makes features of a log.

    Args:
        log: What is known.
        items: Make features of items and pairs.
        item_vectors: float32 [n_items + 1, d]; for the similarity of the item to the history, or None.

    Raises:
        DataError: Vectors are not of the items.
    """

    def __init__(self, log: Log, items: bool = True, item_vectors: Float32Array | None = None) -> None:
        self._log = log
        self._vectors = None if item_vectors is None or not items else _unit(item_vectors, log.dataset.n_items)
        log.prepare()
        makers: list[Callable[[], Any]] = [lambda: OfUsers(log)]
        if items:
            makers += [lambda: OfItems(log), lambda: OfPairs(log)]
        made = together(lambda make: make(), makers, many=log.is_large)
        self._of_users: OfUsers = made[0]
        self._of_items: OfItems | None = made[1] if items else None
        self._of_pairs: OfPairs | None = made[2] if items else None

    def of_block(self, examples: Examples) -> tuple[Columns, Asked]:
        """Columns of n numbers, and the questions."""
        asked = Asked(self._log, examples, WINDOWS)
        columns = self._of_users.columns(asked)
        if self._of_items is not None and self._of_pairs is not None:
            columns |= self._of_items.columns(asked)
            columns |= self._of_pairs.columns(asked, columns)
        if self._vectors is not None:
            columns["pair_similarity"] = similarity_to_history(asked, self._vectors)
        return columns | context_features(asked), asked

    def of(self, examples: Examples) -> tuple[FeatureTable, PastEvents]:
        """The features of examples, and the events before each."""
        n = len(examples)
        columns, asked = self.of_block(examples.take(slice(0, BLOCK)))
        names = tuple(columns)
        values = np.empty((len(names), n), dtype=np.float32)
        start, stop = np.empty((2, n), dtype=np.int64)

        def put(begin: int, columns: Columns, asked: Asked) -> None:
            rows = slice(begin, begin + len(asked))
            start[rows], stop[rows] = asked.of_user.start, asked.of_user.stop
            with np.errstate(over="ignore"):
                for row, name in zip(values, names, strict=True):
                    row[rows] = columns[name]
                    row[rows][~np.isfinite(row[rows])] = np.nan

        def make(begin: int) -> None:
            put(begin, *self.of_block(examples.take(slice(begin, begin + BLOCK))))

        put(0, columns, asked)
        del columns, asked
        together(make, range(BLOCK, n, BLOCK), many=n > 2 * BLOCK)
        histories = self._log.dataset.histories
        item, kind, time = map(np.asarray, (histories.item_index, histories.event_type, histories.timestamp))
        return FeatureTable(names, values.T), PastEvents(item, kind, time, start, stop)


def _unit(vectors: Float32Array, n_items: int) -> Float32Array:
    """Vectors of length 1, those of length 0 and row 0 as 0."""
    if len(vectors) != n_items + 1:
        raise DataError(
            "vectors and items differ in number", expected=f"{n_items + 1} rows, row 0 for none", got=str(len(vectors))
        )
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    unit[0] = 0
    return np.asarray(unit, dtype=np.float32)

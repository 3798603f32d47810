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
from shopkeeper.data.point_in_time.past import Spans
from shopkeeper.data.point_in_time.sequences import PastEvents
from shopkeeper.data.point_in_time.table import FeatureTable
from shopkeeper.data.point_in_time.threads import together
from shopkeeper.errors import DataError
from shopkeeper.machine import usable_cores
from shopkeeper.types import Float32Array

BLOCK = 1 << 16
"""Examples of which features are made at a time, so that what lies between stays in the caches."""
TOGETHER = 1 << 21
"""Examples that look up together where their events lie."""


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

    def of(self, examples: Examples) -> tuple[FeatureTable, PastEvents]:
        """The features of examples, and the events before each."""
        table = self._filled(examples, with_past=True)
        return table.features(), table.past(self._log)

    def table(self, examples: Examples) -> FeatureTable:
        """The features of examples alone."""
        return self._filled(examples, with_past=False).features()

    def _filled(self, examples: Examples, with_past: bool) -> _Table:
        table = _Table(len(examples), with_past)
        table.put(slice(0, 0), *self._columns(Asked(self._log, examples.take(slice(0, 0)), WINDOWS)))

        def fill(rows: slice) -> None:
            asked = Asked(self._log, examples.take(rows), WINDOWS)
            asked.look_up(self._of_items is not None)
            for begin in range(0, len(asked), BLOCK):
                part = asked.part(slice(begin, begin + BLOCK))
                table.put(slice(rows.start + begin, rows.start + begin + len(part)), *self._columns(part))

        n = len(examples)
        asked_together = max(BLOCK, min(TOGETHER, -(-n // usable_cores())))
        parts = [slice(begin, min(begin + asked_together, n)) for begin in range(0, n, asked_together)]
        together(fill, parts, many=len(parts) > 1)
        return table

    def _columns(self, asked: Asked) -> tuple[Columns, Spans]:
        """Columns of n numbers, and the events of the shopper before."""
        columns = self._of_users.columns(asked)
        if self._of_items is not None and self._of_pairs is not None:
            columns |= self._of_items.columns(asked)
            columns |= self._of_pairs.columns(asked, columns)
        if self._vectors is not None:
            columns["pair_similarity"] = similarity_to_history(asked, self._vectors)
        return columns | context_features(asked), asked.of_user


class _Table:
    """Room for the features of n examples, which come in parts; the first part, be it empty, names the columns."""

    def __init__(self, n: int, with_past: bool) -> None:
        self._n, self._with_past = n, with_past
        self._names: tuple[str, ...] | None = None
        self._values: Float32Array
        self._start, self._stop = np.empty((2, n), dtype=np.int64)

    def put(self, rows: slice, columns: Columns, spans: Spans) -> None:
        """Takes in the features of the examples of these rows."""
        if self._names is None:
            self._names = tuple(columns)
            self._values = np.empty((len(columns), self._n), dtype=np.float32)
        if self._with_past:
            self._start[rows], self._stop[rows] = spans.start, spans.stop
        with np.errstate(over="ignore"):
            for row, name in zip(self._values, self._names, strict=True):
                row[rows] = columns[name]
                row[rows][~np.isfinite(row[rows])] = np.nan

    def features(self) -> FeatureTable:
        """All of them."""
        return FeatureTable(self._names or (), self._values.T)

    def past(self, log: Log) -> PastEvents:
        """The events before each."""
        histories = log.dataset.histories
        item, kind, time = map(np.asarray, (histories.item_index, histories.event_type, histories.timestamp))
        return PastEvents(item, kind, time, self._start, self._stop)


def _unit(vectors: Float32Array, n_items: int) -> Float32Array:
    """Vectors of length 1, those of length 0 and row 0 as 0."""
    if len(vectors) != n_items + 1:
        raise DataError(
            "vectors and items differ in number", expected=f"{n_items + 1} rows, row 0 for none", got=str(len(vectors))
        )
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    unit[0] = 0
    return np.asarray(unit, dtype=np.float32)

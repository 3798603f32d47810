"""Running sums over sorted events: any count or amount of a span is a difference of two rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopkeeper.data.point_in_time.past import Past
from shopkeeper.types import Float64Array, Int64Array

UNIT = 2.0**-20
"""Numbers with fractions are summed in multiples of this."""
LARGEST = 2.0**40
"""A larger number counts as this."""
HALF = 32
"""Bits of one of the two counts that share a number; a log has fewer events than these can count."""


class Sums:
    """Running sums of columns of the log in the order of a past.

    Whole numbers, since rounding would let the later sums of other keys into a difference; should a sum run over the
    end of its 64 bits, differences are right all the same.

    Args:
        past: What the events are sorted by; None is the order of time.
        counts: By name, bool or 0 and 1, [events] in the order of time.
        amounts: By name, finite or whole numbers, [events] in the order of time.
    """

    def __init__(
        self, past: Past | None, counts: Mapping[str, NDArray[Any]], amounts: Mapping[str, NDArray[Any]]
    ) -> None:
        self._counts, self._amounts = tuple(counts), tuple(amounts)
        self._units = [1.0 if values.dtype.kind in "iu" else UNIT for values in amounts.values()]
        self._first_amount = (len(counts) + 1) // 2
        waiting = list(counts.values())
        columns: list[NDArray[Any] | Sequence[NDArray[Any]]]
        columns = [waiting[place : place + 2] for place in range(0, len(waiting), 2)]
        columns += amounts.values()
        n = len(next(iter([*counts.values(), *amounts.values()])))
        self._values = np.zeros((n + 1, len(columns)), dtype=np.int64)
        places = None if past is None else past.places
        for number, column in enumerate(columns):
            whole = _packed(column) if isinstance(column, list) else _whole(np.asarray(column))
            np.cumsum(whole if places is None else whole[places], out=self._values[1:, number])

    def between(self, start: Int64Array, stop: Int64Array) -> dict[str, Float64Array]:
        """Sums of the events from start (int64 [n]) to before stop, float64 [n] by name."""
        rows = self._values.take(stop, axis=0)
        rows -= self._values.take(start, axis=0)
        return self._named(rows)

    def until(self, stop: Int64Array) -> dict[str, Float64Array]:
        """Sums of all events before stop (int64 [n]), float64 [n] by name."""
        return self._named(self._values.take(stop, axis=0))

    def _named(self, rows: Int64Array) -> dict[str, Float64Array]:
        found = {}
        for place, name in enumerate(self._counts):
            both = rows[:, place // 2]
            one = both >> HALF if place % 2 else both & ((1 << HALF) - 1)
            found[name] = one.astype(np.float64)
        for place, (name, unit) in enumerate(zip(self._amounts, self._units, strict=True), start=self._first_amount):
            found[name] = rows[:, place].astype(np.float64) * unit
        return found


def _packed(two: Sequence[NDArray[Any]]) -> Int64Array:
    """Two counts in one number, or one alone."""
    both = two[0].astype(np.int64)
    if len(two) > 1:
        both |= two[1].astype(np.int64) << HALF
    return both


def _whole(values: NDArray[Any]) -> Int64Array:
    if values.dtype.kind in "iu":
        return values.astype(np.int64, copy=False)
    whole: Int64Array = np.rint(np.clip(values, -LARGEST, LARGEST) * (1 / UNIT)).astype(np.int64)
    return whole

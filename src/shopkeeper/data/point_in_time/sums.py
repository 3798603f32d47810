"""Running sums over sorted events: any count or amount of a span is a difference of two rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shopkeeper.data.point_in_time.past import Past, parts
from shopkeeper.types import Float64Array, Int64Array

UNIT = 2.0**-20
"""Numbers with fractions are summed in multiples of this."""
LARGEST = 2.0**40
"""A larger number counts as this."""
HALF = 32
"""Bits of one of the two counts that share a number; a log has fewer events than these can count."""


Column: TypeAlias = Callable[[Any], NDArray[Any]]
"""Gives the values of events at places in the order of time: int64, or a slice."""


class Sums:
    """Running sums of columns of the log in the order of a past.

    Whole numbers, since rounding would let the later sums of other keys into a difference; should a sum run over the
    end of its 64 bits, differences are right all the same.

    Args:
        n: Number of events.
        past: What the events are sorted by; None is the order of time.
        counts: By name, bool or 0 and 1.
        amounts: By name, finite or whole numbers.
    """

    def __init__(self, n: int, past: Past | None, counts: Mapping[str, Column], amounts: Mapping[str, Column]) -> None:
        self._counts, self._amounts = tuple(counts), tuple(amounts)
        nowhere = np.zeros(0, dtype=np.int64)
        self._units = [1.0 if values(nowhere).dtype.kind in "iu" else UNIT for values in amounts.values()]
        waiting = list(counts.values())
        pairs = [waiting[place : place + 2] for place in range(0, len(waiting), 2)]
        self._first_amount = len(pairs)
        self._values = np.empty((n + 1, len(pairs) + len(amounts)), dtype=np.int64)
        self._values[0] = 0
        for rows in parts(n):
            places = rows if past is None else past.places(rows)
            below = self._values[rows.start + 1 : rows.stop + 1]
            for number, two in enumerate(pairs):
                np.cumsum(_packed([values(places) for values in two]), out=below[:, number])
            for number, values in enumerate(amounts.values(), start=len(pairs)):
                np.cumsum(_whole(values(places)), out=below[:, number])
            below += self._values[rows.start]

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

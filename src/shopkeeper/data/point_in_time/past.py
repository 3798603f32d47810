"""The one point-in-time join: how much had happened under a key before a moment.

Events are sorted by key and moment once. What lies before a moment is then a span of them, found by bisection, and any
count or sum of it is a difference of two cumulative sums. No row is looked at one by one, and nothing at or after the
moment can come in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopkeeper.data.point_in_time.clock import Clock
from shopkeeper.types import BoolArray, Float64Array, Int64Array

UNIT = 2.0**-20
"""Numbers with fractions are summed in multiples of this."""
LARGEST = 2.0**40
"""A larger number counts as this."""
SORT_FROM = 50_000
"""So many questions are asked in order, which a cache rewards."""


@dataclass(frozen=True)
class Spans:
    """For each question the events before it, as places among the sorted ones.

    Attributes:
        start: int64 [n].
        stop: int64 [n].
    """

    start: Int64Array
    stop: Int64Array

    @property
    def count(self) -> Int64Array:
        """Number of events, int64 [n]."""
        return self.stop - self.start


@dataclass(frozen=True)
class Sums:
    """Cumulative sums in whole multiples of a unit.

    Whole numbers, since rounding would let the later sums of other keys into a difference; should a sum run over the
    end of its 64 bits, differences are right all the same.

    Attributes:
        values: int64 [events + 1].
        unit: What one stands for.
    """

    values: Int64Array
    unit: float


class Past:
    """Events of many keys, sorted by key and moment.

    Args:
        clock: Ticks of the log.
        key: int64 [events]; any numbers, such as shopper x items + item.
        ticks: int64 [events].
        ordered: They are sorted by key and moment already, and keys are small.
        which: bool [events]; only these events count; None takes all.
    """

    def __init__(
        self, clock: Clock, key: Int64Array, ticks: Int64Array, ordered: bool = False, which: BoolArray | None = None
    ) -> None:
        self._size = clock.size
        self._places: Int64Array | None = None
        self._keys: Int64Array | None = None
        if which is not None:
            self._places = np.flatnonzero(which)
            key, ticks = key[self._places], ticks[self._places]
        if len(key) and int(key.max()) >= max(2 * len(key), 1 << 16):
            self._keys, key = np.unique(key, return_inverse=True)
        self._n_keys = int(key.max()) + 1 if len(key) else 0
        self._codes = key * self._size + ticks
        if not ordered:
            order = np.argsort(self._codes, kind="stable")  # events at the same time stay in the order of the log
            self._codes = self._codes[order]
            self._places = order if self._places is None else self._places[order]
        counts = np.bincount(key, minlength=self._n_keys)
        self._starts = np.concatenate([[0], np.cumsum(counts), [len(key)]]).astype(np.int64)

    @property
    def places(self) -> Int64Array | slice:
        """Places of the sorted events among those of the log."""
        return slice(None) if self._places is None else self._places

    def numbers(self, key: Int64Array) -> Int64Array:
        """The keys as `before` takes them, int64 [n]; one past the last for a key without events."""
        if self._keys is None:
            return np.where(key < self._n_keys, key, self._n_keys)
        found = search(self._keys, key)
        same = self._keys[np.minimum(found, self._n_keys - 1)] == key
        return np.where(same, found, self._n_keys)

    def before(self, number: Int64Array, ticks: Int64Array) -> Spans:
        """The events of each key before each moment.

        Args:
            number: int64 [n]; what `numbers` gave.
            ticks: int64 [n]; moments, as the clock gives them.
        """
        return Spans(self._starts[number], search(self._codes, number * self._size + ticks))

    def since(self, number: Int64Array, ticks: Int64Array, spans: Spans) -> Spans:
        """The end of spans: only events not before these earlier moments."""
        return Spans(search(self._codes, number * self._size + ticks), spans.stop)

    def summed(self, values: Float64Array | BoolArray | Int64Array) -> Sums:
        """Cumulative sums of a column of the log (finite, [events]) in sorted order, for `total`."""
        unit = 1.0 if values.dtype.kind in "bi" else UNIT
        sorted_values: NDArray[Any] = values[self.places]
        if unit != 1:
            sorted_values = np.rint(np.clip(sorted_values, -LARGEST, LARGEST) * (1 / unit)).astype(np.int64)
        sums = np.zeros(len(sorted_values) + 1, dtype=np.int64)
        np.cumsum(sorted_values, out=sums[1:], dtype=np.int64)
        return Sums(sums, unit)

    def latest(self, which: BoolArray) -> Int64Array:
        """For each sorted event the place of the last one up to it that counts (bool [events] of the log), or -1."""
        counted = np.where(which[self.places], np.arange(len(self._codes), dtype=np.int64), -1)
        return np.maximum.accumulate(counted, out=counted)

    def numbers_in_key(self) -> Int64Array:
        """For each sorted event how many of its key stand before it, int64 [events]."""
        starts = self._starts[:-1]
        return np.arange(len(self._codes), dtype=np.int64) - np.repeat(starts, np.diff(self._starts))


def total(sums: Sums, spans: Spans) -> Float64Array:
    """Sum of the events of each span, float64 [n]."""
    result: Float64Array = (sums.values[spans.stop] - sums.values[spans.start]).astype(np.float64) * sums.unit
    return result


def search(ascending: Int64Array, asked: Int64Array) -> Int64Array:
    """Number of values below each one asked for, int64 [n]."""
    if len(asked) < SORT_FROM or bool((asked[1:] >= asked[:-1]).all()):
        return np.searchsorted(ascending, asked).astype(np.int64)
    order = np.argsort(asked)
    result = np.empty(len(asked), dtype=np.int64)
    result[order] = np.searchsorted(ascending, asked[order])
    return result

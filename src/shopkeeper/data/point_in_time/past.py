"""The one point-in-time join: how much had happened under a key before a moment.

A moment is the number of events of the log before it, an event its place in the order of time. Key and place in one
integer, sorted by value: what lies before a moment under a key is then a span of these, found by bisection. No row is
looked at one by one, and nothing at or after the moment can come in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shopkeeper.types import BoolArray, Int32Array, Int64Array

PART = 1 << 17
"""Events that are looked at together: fresh memory for all of them at once would cost more than the work."""
SORT_FROM = 2_000
"""So many questions are asked in order, which a cache rewards."""
BITS = 62
"""Key and place must fit into so many."""


@dataclass(frozen=True)
class Spans:
    """For each question the events before it, as places among the sorted ones.

    Attributes:
        start: int64 [n].
        stop: int64 [n].
        last: int64 [n]; place of the last one in the order of time, or the number of events where there is none.
    """

    start: Int64Array
    stop: Int64Array
    last: Int64Array

    @property
    def count(self) -> Int64Array:
        """Number of events, int64 [n]."""
        return self.stop - self.start


class Past:
    """Events of many keys, sorted by key and time.

    Args:
        n: Number of events.
        key: Gives the keys of a part of the events, int64, in the order of time: any numbers from 0, such as shopper
            and item in one.
        n_keys: Keys are below this number.
    """

    def __init__(self, n: int, key: Callable[[slice], Int64Array], n_keys: int) -> None:
        self.n = n
        self._bits = max(1, n.bit_length())
        self._mask = (1 << self._bits) - 1
        self._keys: Int64Array | None = None
        if n and (n_keys - 1).bit_length() + self._bits > BITS:
            self._keys, numbers = _numbered(key(slice(0, n)))
            key = numbers.__getitem__
        self._codes = np.empty(n + 1, dtype=np.int64)
        """With the largest number behind, which is of no key: it is also before the first."""
        for rows in parts(n):
            codes = self._codes[rows]
            np.left_shift(key(rows), self._bits, out=codes)
            codes |= np.arange(rows.start, rows.stop)
        self._codes[:-1].sort()
        self._codes[-1] = np.iinfo(np.int64).max

    @cached_property
    def starts(self) -> Int32Array:
        """For each sorted event the place of the first one of its key, int32 [events + 1]."""
        starts = np.full(self.n + 1, self.n, dtype=np.int32)
        before, start = -1, 0
        for rows in parts(self.n):
            key = self._codes[rows] >> self._bits
            first = np.arange(rows.start, rows.stop, dtype=np.int32)
            first[1:][key[1:] == key[:-1]] = 0
            if key[0] == before:
                first[0] = start
            np.maximum.accumulate(first, out=starts[rows])
            before, start = key[-1], starts[rows.stop - 1]
        return starts

    def places(self, rows: slice) -> Int64Array:
        """Places in the order of time of a part of the sorted events, int64."""
        places: Int64Array = self._codes[:-1][rows] & self._mask
        return places

    def place(self, sorted_place: Int64Array | Int32Array) -> Int64Array:
        """Place in the order of time of sorted events, int64 [n]; the number of events for one that is not there."""
        place: Int64Array = np.minimum(self._codes[sorted_place] & self._mask, self.n)
        return place

    def before(self, key: Int64Array, *moments: Int64Array) -> tuple[Spans, ...]:
        """The events of each key before each moment, and from earlier moments on.

        Args:
            key: int64 [n].
            moments: int64 [n] each; the first is the end, the others are not later and begin the further spans.

        Returns:
            The events before the first moment, then those of them from each other moment on.
        """
        return self.spans(key, *self.stops(key, *moments))

    def stops(self, key: Int64Array, *moments: Int64Array) -> list[Int64Array]:
        """The sorted place of the first event of each key that is not before each moment, int64 [n] each."""
        base = self._number(key) << self._bits
        return search(self._codes, [base | moment for moment in moments])

    def spans(self, key: Int64Array, stop: Int64Array, *begins: Int64Array) -> tuple[Spans, ...]:
        """What `before` gives, of what `stops` gave."""
        code = self._codes[stop - 1]
        there = code >> self._bits == self._number(key)
        start = np.where(there, self.starts[stop - 1], stop)
        last = np.where(there, code & self._mask, self.n)
        return Spans(start, stop, last), *(Spans(begin, stop, last) for begin in begins)

    def latest(self, counts: Callable[[Int64Array], BoolArray]) -> Int32Array:
        """For each sorted event the last one up to it that counts, or -1, int32 [events + 1].

        Args:
            counts: Tells of places in the order of time whether they count.
        """
        latest, before = np.full(self.n + 1, -1, dtype=np.int32), -1
        for rows in parts(self.n):
            counted = np.arange(rows.start, rows.stop, dtype=np.int32)
            counted[~counts(self.places(rows))] = -1
            counted[0] = max(counted[0], before)
            np.maximum.accumulate(counted, out=latest[rows])
            before = latest[rows.stop - 1]
        return latest

    def earlier(self) -> Int32Array:
        """For each event in the order of time how many of its key came before it, int32 [events].

        Of events at the same time one may count before the other: only sums over whole moments of this mean something.
        """
        counts = np.empty(self.n, dtype=np.int32)
        for rows in parts(self.n):
            counts[self.places(rows)] = np.arange(rows.start, rows.stop, dtype=np.int32) - self.starts[rows]
        return counts

    def _number(self, key: Int64Array) -> Int64Array:
        if self._keys is None:
            return key
        found = search(self._keys, [key])[0]
        known = self._keys[np.minimum(found, len(self._keys) - 1)] == key
        return np.where(known, found, len(self._keys))


def parts(n: int) -> Iterator[slice]:
    """Consecutive parts of n events."""
    for begin in range(0, n, PART):
        yield slice(begin, min(begin + PART, n))


def _numbered(key: Int64Array) -> tuple[Int64Array, Int64Array]:
    """The distinct keys, ascending, and the place of each one among them."""
    order = np.argsort(key)
    ascending = key[order]
    new = np.ones(len(key), dtype=bool)
    new[1:] = ascending[1:] != ascending[:-1]
    numbers = np.empty(len(key), dtype=np.int64)
    numbers[order] = np.cumsum(new) - 1
    return ascending[new], numbers


def search(ascending: Int64Array, asked: Sequence[Int64Array]) -> list[Int64Array]:
    """Number of values below each one asked for, int64 [n]; columns after the first rise where the first does."""
    first = asked[0]
    if len(first) < SORT_FROM or bool((first[1:] >= first[:-1]).all()):
        return [np.searchsorted(ascending, column).astype(np.int64) for column in asked]
    order, found = np.argsort(first), []
    for column in asked:
        result = np.empty(len(column), dtype=np.int64)
        result[order] = np.searchsorted(ascending, column[order])
        found.append(result)
    return found

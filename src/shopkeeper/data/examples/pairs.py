"""All pairs of shoppers at moments with the items that were known by then: counted, numbered and never written out.

A row is a shopper at a moment; the pairs of a row are those with each item that had an event before, the first seen
first. A pair has one number among those of all rows, so that pairs are drawn and met by whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator

from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.landmarks import active_shoppers, landmarks
from shopkeeper.data.examples.window import Window
from shopkeeper.data.schema import EventType
from shopkeeper.errors import DataError
from shopkeeper.types import BoolArray, Int32Array, Int64Array


@dataclass(frozen=True)
class Rows:
    """Shoppers at moments.

    Attributes:
        user: int32 [m].
        time: int64 [m]; Unix microseconds.
        first: int64 [m]; place of the first event of the shopper that is not before the moment.
        end: int64 [m]; place behind the last event within the horizon.
    """

    user: Int32Array
    time: Int64Array
    first: Int64Array
    end: Int64Array

    def __len__(self) -> int:
        return len(self.user)

    def take(self, which: BoolArray) -> Rows:
        """Some of them."""
        return Rows(self.user[which], self.time[which], self.first[which], self.end[which])


def rows_at_landmarks(window: Window, moments: Int64Array | None = None) -> Rows:
    """All active shoppers at regular moments, or at these.

    Raises:
        DataError: There are none.
    """
    user, time = active_shoppers(window, landmarks(window) if moments is None else moments)
    return Rows(user, time, window.places_at(user, time), window.places_at(user, time + window.reach))


def rows_at_visits(window: Window, generator: Generator) -> Rows:
    """Shoppers at moments at which they showed interest in something; what they did then is part of what came.

    Raises:
        DataError: No moment has its horizon within the window.
    """
    first = _visits(window, generator)
    match window.settings.horizon:
        case "days":
            end = window.places_at(window.user[first], window.time[first] + window.reach)
        case "session":
            end = window.session_end[first]
        case _:
            end = window.tie_end[first]
    return Rows(window.user[first], window.time[first], first, end)


def _visits(window: Window, generator: Generator) -> Int64Array:
    """Places of the first event of each moment that is asked about, ascending."""
    first = np.ones(len(window.time), dtype=bool)
    first[1:] = window.tie_end[1:] != window.tie_end[:-1]
    shown = np.add.reduceat(window.interest, np.flatnonzero(first)) > 0
    places = np.flatnonzero(first)[shown]
    places = places[(window.time[places] >= window.start) & (window.time[places] < window.last)]
    if len(places) == 0:
        raise DataError(
            "no moment of a shopper has its horizon within the log",
            remedy="give a longer log or a shorter horizon",
        )
    most = window.settings.moments_a_user
    if most is None:
        return places
    order = np.lexsort((generator.random(len(places)), window.user[places]))
    users = window.user[places[order]]
    within = np.arange(len(users)) - np.searchsorted(users, users)
    return np.sort(places[order[within < most]])


@dataclass(frozen=True)
class Pairs:
    """The pairs of rows.

    Attributes:
        window: The log.
        rows: The rows.
    """

    window: Window
    rows: Rows

    @cached_property
    def known(self) -> Int64Array:
        """How many items were known at each row, int64 [m]."""
        return np.searchsorted(self._first_seen, self.rows.time).astype(np.int64)

    @cached_property
    def starts(self) -> Int64Array:
        """Number of the first pair of each row, and of all pairs, int64 [m + 1]."""
        return np.concatenate([[0], np.cumsum(self.known)]).astype(np.int64)

    def __len__(self) -> int:
        return int(self.starts[-1])

    def row(self, pair: Int64Array) -> Int64Array:
        """The row of each pair, int64 [n]."""
        return np.searchsorted(self.starts, pair, side="right").astype(np.int64) - 1

    def with_events(self, places: Int64Array, low: Int64Array, high: Int64Array) -> Int64Array:
        """The pairs whose item has one of these events in the span of its row, distinct, ascending.

        Args:
            places: int64; places of events, ascending.
            low: int64 [m]; first place of the span of each row.
            high: int64 [m]; place behind it.
        """
        begin, stop = np.searchsorted(places, low), np.searchsorted(places, high)
        counts = stop - begin
        row = np.repeat(np.arange(len(counts)), counts)
        within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        place = self._age[self.window.item[places[np.repeat(begin, counts) + within]]]
        known = place < self.known[row]
        return np.unique(self.starts[row[known]] + place[known]).astype(np.int64)

    def came(self, wanted: EventType) -> Int64Array:
        """The pairs that an event of a type came of within the horizon, int64, distinct, ascending."""
        return self.with_events(np.flatnonzero(self.window.is_of(wanted)), self.rows.first, self.rows.end)

    def examples(self, pair: Int64Array, came: list[Int64Array], rate: float) -> Examples:
        """Pairs as examples.

        Args:
            pair: int64 [n]; numbers, ascending.
            came: What came of each labeled behavior, as `came` gives it.
            rate: Share of the pairs without any that is among them.
        """
        row, wanted = self.row(pair), self.window.settings.labeled
        labels = np.stack([np.isin(pair, one) for one in came], axis=1).astype(np.float32)
        several = len(came) > 1
        return Examples(
            user_index=self.rows.user[row],
            item_index=self._by_age[pair - self.starts[row]].astype(np.int32),
            timestamp=self.rows.time[row],
            label=labels[:, 0],
            behaviors=tuple(one.value for one in wanted) if several else (),
            labels=labels if several else None,
            negative_rate=rate,
        )

    @cached_property
    def _seen(self) -> Int64Array:
        """When each item was first seen, int64 [n_items + 1]; the largest number for never."""
        seen = np.full(self.window.log.n_items + 1, np.iinfo(np.int64).max)
        np.minimum.at(seen, self.window.item, self.window.time)
        return seen

    @cached_property
    def _by_age(self) -> Int64Array:
        """Items that have an event, the first seen first."""
        order = np.argsort(self._seen, kind="stable")
        return order[self._seen[order] < np.iinfo(np.int64).max].astype(np.int64)

    @cached_property
    def _first_seen(self) -> Int64Array:
        return self._seen[self._by_age]

    @cached_property
    def _age(self) -> Int64Array:
        """Place of each item among those by age, int64 [n_items + 1]."""
        age = np.full(self.window.log.n_items + 1, np.iinfo(np.int64).max)
        age[self._by_age] = np.arange(len(self._by_age))
        return age


def draw(n: int, rate: float, generator: Generator) -> Int64Array:
    """Each of n numbers with the same chance, ascending."""
    if rate >= 1:
        return np.arange(n)
    chosen: Int64Array = generator.choice(n, generator.binomial(n, rate), replace=False, shuffle=False)
    return np.sort(chosen)

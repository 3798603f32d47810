"""Events of a shopper at the same time, a basket say, have no order: what follows them is the next basket.

Logs often hold such events sorted by something else, an item number say. A model that learns to tell the next *row*
then learns that sorting. Here the target of an event is one at random of the events of the shopper's next moment; where
all times differ this is the next event. With a horizon it is of one of the next few moments: what the shopper will do
soon, and not only next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopkeeper.data.histories import Histories
from shopkeeper.types import BoolArray, Int64Array

if TYPE_CHECKING:
    from numpy.random import Generator


class Moments:
    """The moments of many histories.

    Args:
        histories: Offsets from 0.
        ordered: Take the order of rows for the order of events, whatever their times.
        horizon: Targets are drawn from so many next moments of the shopper, or those that are left; 1 is the next.
        wanted: bool [events]; only these are targets, and the next moment is the next that holds one; None wants all.
    """

    def __init__(
        self, histories: Histories, ordered: bool = False, horizon: int = 1, wanted: BoolArray | None = None
    ) -> None:
        self._horizon = horizon
        self._offsets = np.asarray(histories.offsets)
        self._places: Int64Array | None = None
        """Places of what is wanted; None where a moment is an event and all are wanted."""
        changes = np.ones(histories.n_events, dtype=bool) if ordered else _starts_moment(histories)
        everything = wanted is None or bool(wanted.all())
        if everything and horizon == 1 and changes.all():
            return
        self._places = np.arange(histories.n_events) if everything or wanted is None else np.flatnonzero(wanted)
        moment = (np.cumsum(changes) - 1)[self._places]
        starts = np.flatnonzero(np.diff(moment, prepend=-1))
        self._starts: Int64Array = np.append(starts, len(self._places))
        """Where each moment starts among the places, and their number."""
        self._events: Int64Array = np.flatnonzero(changes)[moment[starts]]
        """The first event of each moment, wanted or not."""

    def n_targets(self) -> Int64Array:
        """Number of events of each shopper that something follows, int64 [n_users]: those before the last moment."""
        if self._places is None:
            pairs: Int64Array = np.maximum(np.diff(self._offsets) - 1, 0)
            return pairs
        if len(self._events) == 0:
            return np.zeros(len(self._offsets) - 1, dtype=np.int64)
        last = np.searchsorted(self._events, self._offsets[1:]) - 1
        counts: Int64Array = np.where(last >= 0, self._events[last], 0) - self._offsets[:-1]
        return np.maximum(counts, 0)

    def draw_next(self, events: Int64Array, generator: Generator) -> Int64Array:
        """For each event one that follows it.

        Args:
            events: int64 [n]; places in the flat event arrays, none in the last moment of its shopper.
            generator: Draws a moment within the horizon, then an event of it.

        Returns:
            int64 [n]; places of the targets.
        """
        if self._places is None:
            return events + 1
        following = np.searchsorted(self._events, events, side="right")
        if self._horizon > 1:
            ends = self._offsets[np.searchsorted(self._offsets, events, side="right")]
            left = np.searchsorted(self._events, ends) - following
            following = following + generator.integers(0, np.minimum(left, self._horizon))
        first, end = self._starts[following], self._starts[following + 1]
        chosen: Int64Array = first + (generator.random(len(events)) * (end - first)).astype(np.int64)
        return self._places[chosen]


def shuffle_ties(histories: Histories, generator: Generator) -> Int64Array:
    """A random order of the events that keeps shoppers together and times ascending.

    Returns:
        int64 [events]; the event that stands at each place.
    """
    moments = np.cumsum(_starts_moment(histories))
    return np.lexsort((generator.random(histories.n_events), moments)).astype(np.int64)


def _starts_moment(histories: Histories) -> BoolArray:
    """Whether an event is the first of its shopper at its time, bool [events]."""
    offsets = np.asarray(histories.offsets)
    changes = np.ones(histories.n_events, dtype=bool)
    changes[1:] = np.diff(np.asarray(histories.timestamp)) != 0
    changes[offsets[:-1][np.diff(offsets) > 0]] = True
    return changes

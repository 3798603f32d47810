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
from shopkeeper.types import Int64Array

if TYPE_CHECKING:
    from numpy.random import Generator


class Moments:
    """The moments of many histories.

    Args:
        histories: Offsets from 0.
        ordered: Take the order of rows for the order of events, whatever their times.
        horizon: Targets are drawn from so many next moments of the shopper, or those that are left; 1 is the next.
    """

    def __init__(self, histories: Histories, ordered: bool = False, horizon: int = 1) -> None:
        self._horizon = horizon
        self._offsets = np.asarray(histories.offsets)
        self._starts: Int64Array | None = None
        if histories.n_events > 0:
            changes = np.ones(histories.n_events + 1, dtype=bool)
            if not ordered:
                changes[1:-1] = np.diff(np.asarray(histories.timestamp)) != 0
                changes[self._offsets] = True
            if horizon > 1 or not changes.all():  # else a moment is an event
                self._starts = np.flatnonzero(changes)

    def n_targets(self) -> Int64Array:
        """Number of events of each shopper that something follows, int64 [n_users]: those before the last moment."""
        lengths = np.diff(self._offsets)
        counts: Int64Array = np.maximum(lengths - 1, 0)
        if self._starts is not None:
            last_events = np.maximum(self._offsets[1:] - 1, 0)
            last_moments = self._starts[np.searchsorted(self._starts, last_events, side="right") - 1]
            counts = np.where(lengths > 0, last_moments - self._offsets[:-1], 0)
        return counts

    def draw_next(self, events: Int64Array, generator: Generator) -> Int64Array:
        """For each event one that follows it.

        Args:
            events: int64 [n]; places in the flat event arrays, none in the last moment of its shopper.
            generator: Draws a moment within the horizon, then an event of it.

        Returns:
            int64 [n]; places of the targets.
        """
        if self._starts is None:
            return events + 1
        following = np.searchsorted(self._starts, events, side="right")
        if self._horizon > 1:
            ends = self._offsets[np.searchsorted(self._offsets, events, side="right")]
            left = np.searchsorted(self._starts, ends) - following
            following = following + generator.integers(0, np.minimum(left, self._horizon))
        first, end = self._starts[following], self._starts[following + 1]
        chosen: Int64Array = first + (generator.random(len(events)) * (end - first)).astype(np.int64)
        return chosen

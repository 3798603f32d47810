"""Moments as small whole numbers that keep their order, so that a key and a moment fit into one integer."""

from __future__ import annotations

import numpy as np

from shopkeeper.types import Int64Array

UNITS = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1_000, 1)
"""Microseconds; the longest that divides all times is one tick."""
ROOM = 1 << 62


class Clock:
    """Ticks of a log.

    Args:
        time: int64 [events], at least one; Unix microseconds.
        n_keys: Most keys that are ever combined with a moment.
    """

    def __init__(self, time: Int64Array, n_keys: int) -> None:
        self._first = int(time.min())
        since = time - self._first
        self._unit = next(unit for unit in UNITS if not (since % unit).any())
        self._times: Int64Array | None = None
        self.size = int(since.max()) // self._unit + 2
        """Ticks are below this number."""
        if self.size > ROOM // (n_keys + 2):
            self._times = np.unique(time)
            self.size = len(self._times) + 1

    def ticks(self, time: Int64Array) -> Int64Array:
        """The tick of each moment: an event is before a moment exactly where its tick is below that of the moment."""
        if self._times is not None:
            return np.searchsorted(self._times, time).astype(np.int64)
        ticks: Int64Array = -((self._first - time) // self._unit)
        return np.clip(ticks, 0, self.size - 1)

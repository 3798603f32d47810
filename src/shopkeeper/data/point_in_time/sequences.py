"""The raw sequence: the events of the shopper before each example, as spans of the log."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from shopkeeper.types import BoolArray, Int32Array, Int64Array, UInt8Array


@dataclass(frozen=True, eq=False)
class PastEvents:
    """Events before each example, oldest first. The columns of the log are shared and not copied.

    Attributes:
        item: int32 [events]; of the whole log, by shopper and time.
        kind: uint8 [events]; codes of types.
        time: int64 [events]; Unix microseconds.
        start: int64 [n]; first event of the shopper of each example.
        stop: int64 [n]; first event that is not before it.
    """

    item: Int32Array
    kind: UInt8Array
    time: Int64Array
    start: Int64Array
    stop: Int64Array

    def __len__(self) -> int:
        return len(self.start)

    def take(self, which: Int64Array | BoolArray | slice) -> PastEvents:
        """Those of the examples at these places."""
        return replace(self, start=self.start[which], stop=self.stop[which])

    def latest(self, length: int) -> PastEvents:
        """At most so many latest events of each example."""
        return replace(self, start=np.maximum(self.start, self.stop - length))

    def without(self, example: int) -> PastEvents:
        """For one example as many rows as it has events, each without one of them, the oldest first."""
        start, stop = int(self.start[example]), int(self.stop[example])
        n = stop - start
        places = np.tile(np.arange(start, stop), (n, 1))[~np.eye(n, dtype=bool)]
        begin = np.arange(n, dtype=np.int64) * max(n - 1, 0)
        return PastEvents(self.item[places], self.kind[places], self.time[places], begin, begin + max(n - 1, 0))

"""Questions in batches of shoppers whose histories are of like length: a network that reads them pads little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout, asked_at
from shopkeeper.types import Int32Array, Int64Array

WINDOW: Final = 1 << 14
"""So many consecutive shoppers are sorted among each other; their events are copied."""


@dataclass(frozen=True)
class Batch:
    """Some questions of a holdout.

    Attributes:
        places: int64 [b]; where they stand in the holdout.
        user_index: int32 [b].
        histories: What is known of b shoppers.
        targets: What they did then.
    """

    places: Int64Array
    user_index: Int32Array
    histories: Histories
    targets: Histories

    @property
    def moments(self) -> Int64Array:
        """As of when each is asked, int64 [b]; see `asked_at`."""
        return asked_at(self.histories, self.targets)

    def __len__(self) -> int:
        return len(self.places)


def batches_of_like_length(holdout: Holdout, size: int) -> Iterator[Batch]:
    """Every question once, at most `size` at a time, the shorter histories first within each window."""
    lengths = holdout.histories.lengths
    for begin in range(0, len(holdout), WINDOW):
        places = begin + np.argsort(lengths[begin : begin + WINDOW], kind="stable")
        histories, targets = holdout.histories.take(places), holdout.targets.take(places)
        for start, batch in histories.batches(size):
            stop = start + len(batch)
            asked = places[start:stop]
            yield Batch(asked, holdout.user_index[asked], batch, targets.slice(start, stop))

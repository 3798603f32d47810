"""How much one user may count for the models that count: nobody makes an item popular, or follow another, alone.

The events of one user on one item count like a few of them at most, and all events of one user like those of a few
usual users. In a log of people both bounds are hardly met; one who sends thousands of events meets them at once.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.types import Float32Array, Float64Array


class InfluenceCaps(Settings):
    """Bounds of what one user counts for."""

    events_an_item: Annotated[float, Field(gt=0)] | None = 50.0
    """The events of one user on one item count like so many at most, and like a twentieth of the number of users where
    that is fewer, but never like fewer than 5; None counts all."""
    usual_users: Annotated[float, Field(gt=0)] | None = 10.0
    """All events of one user count like those of so many users with the median number of events at most, and never less
    than `FEWEST` events; None counts all."""


FEWEST_AN_ITEM, SHARE_OF_USERS = 5.0, 0.05
FEWEST = 100.0
"""Events that every user may have, however few are usual."""


def influence(histories: Histories, caps: InfluenceCaps) -> Float32Array:
    """What each event counts under the bounds, float32 [events] from 0 to 1."""
    shares = np.ones(len(histories.item_index))
    lengths = histories.lengths
    if caps.events_an_item is not None and len(shares):
        most = min(caps.events_an_item, max(FEWEST_AN_ITEM, SHARE_OF_USERS * np.count_nonzero(lengths)))
        pair = histories.rows << 32 | np.asarray(histories.item_index).astype(np.int64)
        order = np.argsort(pair, kind="stable")
        starts = np.flatnonzero(np.diff(pair[order], prepend=-1))
        times = np.diff(np.append(starts, len(pair)))
        shares[order] = np.repeat(np.minimum(1.0, most / times), times)
    if caps.usual_users is not None and (lengths > 0).any():
        rows = histories.rows
        worth = np.bincount(rows, shares, len(lengths))
        most = max(FEWEST, caps.usual_users * float(np.median(lengths[lengths > 0])))
        shares *= np.minimum(1.0, most / np.maximum(worth, 1.0))[rows]
    return shares.astype(np.float32)


def capped_counts(dataset: Dataset) -> Float64Array:
    """Number of events of each item, of one user no more than the usual bounds; float64 [n_items + 1]."""
    histories = dataset.histories
    shares = influence(histories, InfluenceCaps())
    return np.bincount(histories.item_index, shares, dataset.n_items + 1).astype(np.float64)

"""What was known of shopper and item together, and when and where they meet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopkeeper.data.cutoffs import MICROSECONDS_A_DAY
from shopkeeper.data.point_in_time.asked import Asked
from shopkeeper.data.point_in_time.log import Log
from shopkeeper.data.point_in_time.of_users import Columns
from shopkeeper.data.point_in_time.sums import Sums
from shopkeeper.types import Float32Array, Float64Array

HOURS = 24
WEEK = 7
THURSDAY = 3
"""The weekday of 1970-01-01, counted from Monday."""
RECENT = 20
"""An item is compared with so many latest events of the shopper."""
ROWS = 1 << 15
"""So many examples are compared at a time."""


class OfPairs:
    """Features of shopper and item: the item seen before, and its brand and category among what the shopper saw.

    Args:
        log: What is known.
    """

    def __init__(self, log: Log) -> None:
        self._types = log.types
        types = {event_type.value: log.is_of(event_type) for event_type in log.types}
        self._sums = Sums(log.n, log.of_pair, types, {})

    def columns(self, asked: Asked, others: Mapping[str, NDArray[Any]]) -> Columns:
        """Columns of n numbers.

        Args:
            asked: The questions.
            others: Columns of the shopper and of the item.
        """
        log = asked.log
        (spans,) = log.of_pair.before(log.pairs(asked.user, asked.item), asked.moment)
        sums = self._sums.between(spans.start, spans.stop)
        found: Columns = {"pair_events": spans.count}
        found |= {f"pair_{event_type.value}s": sums[event_type.value] for event_type in self._types}
        found["pair_days_since_last"] = asked.days_since(spans.last)
        for name in ("brand", "category", "department"):
            found |= _likeness(asked, name, others["user_events"])
        with np.errstate(divide="ignore", invalid="ignore"):
            found["pair_price_to_usual"] = np.log(others["item_price"] / others["user_mean_price"])
        return found


def _likeness(asked: Asked, name: str, events: NDArray[Any]) -> Columns:
    """The share of the events of the shopper with this attribute of the item, and the days since the last.

    NaN for an item without it.

    Args:
        asked: The questions.
        name: Of the attribute.
        events: [n]; how many the shopper has.
    """
    log = asked.log
    value = log.attribute(name)[asked.item]
    share, days = np.full((2, len(asked)), np.nan)
    if (value > 0).any():
        (spans,) = log.of_user_and(name).before(log.pairs(asked.user, value), asked.moment)
        np.divide(spans.count, events, out=share, where=(value > 0) & (events > 0))
        np.copyto(days, asked.days_since(spans.last), where=value > 0)
    return {f"pair_{name}_share": share, f"pair_{name}_days_since_last": days}


def similarity_to_history(asked: Asked, vectors: Float32Array) -> Float64Array:
    """Cosine of the vector of the item and the mean of those of the latest events before, float64 [n].

    Args:
        asked: The questions.
        vectors: float32 [n_items + 1, d]; of length 1 or 0, row 0 is 0. They must not know more than was known at the
            time.

    Returns:
        NaN where there is no event, or a vector is zero.
    """
    history = np.asarray(asked.log.dataset.histories.item_index)
    result = np.full(len(asked), np.nan)
    if not len(history):
        return result
    for begin in range(0, len(asked), ROWS):
        rows = slice(begin, begin + ROWS)
        places = asked.of_user.stop[rows, None] - 1 - np.arange(RECENT)
        items = np.where(places >= asked.of_user.start[rows, None], history[np.maximum(places, 0)], 0)
        mean = vectors[items].sum(axis=1)
        length = np.linalg.norm(mean, axis=1)
        dots = np.einsum("nd,nd->n", mean, vectors[asked.item[rows]])
        np.divide(dots, length, out=result[rows], where=(length > 0) & (asked.item[rows] > 0))
    return result


def context_features(asked: Asked) -> Columns:
    """Columns of n numbers: hour and weekday in UTC, and the code of the placement where it is known."""
    hour = asked.time / (MICROSECONDS_A_DAY / HOURS)
    weekday = asked.time // MICROSECONDS_A_DAY + THURSDAY
    columns: Columns = {}
    for name, turn in (("hour", hour % HOURS / HOURS), ("weekday", weekday % WEEK / WEEK)):
        columns[f"{name}_sin"], columns[f"{name}_cos"] = np.sin(2 * np.pi * turn), np.cos(2 * np.pi * turn)
    if asked.placement is not None:
        columns["placement"] = asked.placement.astype(np.int64)
    return columns

"""What was known of shopper and item together, and when and where they meet."""

from __future__ import annotations

import numpy as np

from shopkeeper.data.cutoffs import MICROSECONDS_A_DAY
from shopkeeper.data.point_in_time.asked import Asked
from shopkeeper.data.point_in_time.past import Past, total
from shopkeeper.types import Float32Array, Float64Array, Int64Array

HOURS = 24
WEEK = 7
THURSDAY = 3
"""The weekday of 1970-01-01, counted from Monday."""
RECENT = 20
"""An item is compared with so many latest events of the shopper."""
ROWS = 1 << 15
"""So many examples are compared at a time."""


def pair_features(asked: Asked) -> dict[str, Float64Array | Int64Array]:
    """Columns of n numbers: the item seen before, and its brand and category among what the shopper saw."""
    log, spans = asked.log, asked.of_pair
    columns: dict[str, Float64Array | Int64Array] = {"pair_events": spans.count}
    for event_type in log.types:
        columns[f"pair_{event_type.value}s"] = total(log.of_pair.summed(log.is_of(event_type)), spans)
    columns["pair_days_since_last"] = asked.days_since_last(log.of_pair, spans)
    for name, attribute in (("brand", log.brand), ("category", log.category), ("department", log.department)):
        columns |= _likeness(asked, name, attribute)
    return columns


def _likeness(asked: Asked, name: str, attribute: Int64Array) -> dict[str, Float64Array | Int64Array]:
    """The share of the events of the shopper with this attribute of the item, and the days since the last.

    NaN for an item without it.

    Args:
        asked: The questions.
        name: Of the attribute.
        attribute: int64 [n_items + 1]; 0 where it is not known.
    """
    log, value = asked.log, attribute[asked.item]
    past = Past(log.clock, log.pairs(log.user, attribute[log.item]), log.ticks, which=attribute[log.item] > 0)
    spans = past.before(past.numbers(log.pairs(asked.user, value)), asked.ticks)
    share = np.full(len(asked), np.nan)
    np.divide(spans.count, asked.of_user.count, out=share, where=(value > 0) & (asked.of_user.count > 0))
    return {
        f"pair_{name}_share": share,
        f"pair_{name}_days_since_last": np.where(value > 0, asked.days_since_last(past, spans), np.nan),
    }


def similarity_to_history(asked: Asked, vectors: Float32Array) -> Float64Array:
    """Cosine of the vector of the item and the mean of those of the latest events before, float64 [n].

    Args:
        asked: The questions.
        vectors: float32 [n_items + 1, d]; row 0 is ignored. They must not know more than was known at the time.

    Returns:
        NaN where there is no event, or a vector is zero.
    """
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    unit[0] = 0
    history = asked.log.item[asked.log.of_user.places]
    result = np.full(len(asked), np.nan)
    for begin in range(0, len(asked), ROWS):
        rows = slice(begin, begin + ROWS)
        places = asked.of_user.stop[rows, None] - 1 - np.arange(RECENT)
        items = np.where(places >= asked.of_user.start[rows, None], history[np.maximum(places, 0)], 0)
        mean = unit[items].sum(axis=1)
        length = np.linalg.norm(mean, axis=1)
        dots = np.einsum("nd,nd->n", mean, unit[asked.item[rows]])
        np.divide(dots, length, out=result[rows], where=(length > 0) & (asked.item[rows] > 0))
    return result


def context_features(asked: Asked) -> dict[str, Float64Array | Int64Array]:
    """Columns of n numbers: hour and weekday in UTC, and the code of the placement where it is known."""
    hour = asked.time / (MICROSECONDS_A_DAY / HOURS)
    weekday = asked.time // MICROSECONDS_A_DAY + THURSDAY
    columns: dict[str, Float64Array | Int64Array] = {}
    for name, turn in (("hour", hour % HOURS / HOURS), ("weekday", weekday % WEEK / WEEK)):
        columns[f"{name}_sin"], columns[f"{name}_cos"] = np.sin(2 * np.pi * turn), np.cos(2 * np.pi * turn)
    if asked.placement is not None:
        columns["placement"] = asked.placement.astype(np.int64)
    return columns

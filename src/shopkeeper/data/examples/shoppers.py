"""Examples of shoppers without an item: who stays away, and how much one pays."""

from __future__ import annotations

import numpy as np

from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.landmarks import active_shoppers, landmarks
from shopkeeper.data.examples.window import Window
from shopkeeper.data.schema import EventType
from shopkeeper.errors import DataError
from shopkeeper.types import Float32Array, Float64Array, Int32Array, Int64Array


def of_shoppers(window: Window) -> Examples:
    """At regular moments, the latest one first, all shoppers who had an event of interest not long before.

    Raises:
        DataError: No horizon lies within the window, or amounts are asked for and the log has no prices.
    """
    user, time = active_shoppers(window, landmarks(window))
    return Examples(
        user_index=user,
        item_index=np.zeros(len(user), dtype=np.int32),
        timestamp=time,
        label=_labels(window, user, time),
    )


def _labels(window: Window, user: Int32Array, time: Int64Array) -> Float32Array:
    """1 for who stays away, or the amount, float32 [n]."""
    if window.settings.target == "churn":
        events = _total(window, window.interest.astype(np.float64), user, time, time + window.reach)
        return np.asarray(events == 0, dtype=np.float32)
    return np.asarray(_total(window, paid(window), user, time, time + window.reach), dtype=np.float32)


def paid(window: Window) -> Float64Array:
    """Price times quantity of purchases, 0 of other events and where it is not known, float64 [events].

    Raises:
        DataError: The log has no prices.
    """
    if window.log.price is None:
        raise DataError("the log has no prices to add up", expected="a column price", remedy="map it with --map price=")
    amount = np.asarray(window.log.price, dtype=np.float64)
    if window.log.quantity is not None:
        amount = amount * np.asarray(window.log.quantity, dtype=np.float64)
    return np.where((window.kind == EventType.PURCHASE.code) & np.isfinite(amount), amount, 0.0)


def _total(window: Window, values: Float64Array, user: Int32Array, start: Int64Array, stop: Int64Array) -> Float64Array:
    """Sum of the values of the events of each shopper from one moment to before another, float64 [n]."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    total: Float64Array = sums[window.places_at(user, stop)] - sums[window.places_at(user, start)]
    return total

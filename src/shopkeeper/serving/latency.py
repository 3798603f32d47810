"""Percentiles of latencies from the counts of a histogram."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from shopkeeper.serving.event_store.records import LATENCY_BOUNDS_MS


def percentile(histogram: Sequence[int], share: float) -> float | None:
    """The latency that a share of the requests does not exceed.

    Within a bucket the requests are taken to lie evenly. What lies above the last bound is given as the last bound.

    Args:
        histogram: Requests in each bucket of `LATENCY_BOUNDS_MS`, one more than there are bounds.
        share: 0.99 for the 99th percentile.

    Returns:
        Milliseconds, or None where there were no requests.
    """
    total = sum(histogram)
    if not total:
        return None
    rank = share * total
    bucket = next(place for place, upto in enumerate(accumulate(histogram)) if upto >= rank and upto > 0)
    if bucket == len(LATENCY_BOUNDS_MS):
        return float(LATENCY_BOUNDS_MS[-1])
    below = sum(histogram[:bucket])
    lower = LATENCY_BOUNDS_MS[bucket - 1] if bucket else 0
    inside = (rank - below) / histogram[bucket]
    return float(lower + (LATENCY_BOUNDS_MS[bucket] - lower) * inside)

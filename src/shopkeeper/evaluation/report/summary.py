"""Sums over the log for the plots: bins and ranks made in NumPy, a few hundred numbers out, chunks of events in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EVENT_TYPES, EventType
from shopkeeper.types import Float64Array, Int64Array

MICROSECONDS_A_DAY = 86_400 * 1_000_000
CHUNK = 4_000_000
BIN_DAYS = {"day": 1, "week": 7, "four weeks": 28, "quarter": 91, "year": 365}
MOST_BINS = 70


@dataclass(frozen=True)
class Timeline:
    """Events of each type over time.

    Attributes:
        bin_name: Length of a bin as a word, a key of `BIN_DAYS`.
        starts: int64 [bins]; first moment of each bin, Unix microseconds.
        counts: int64 [bins, types].
        types: The types that occur, in the order of `counts`.
        first: First event, Unix microseconds.
        last: Last event.
    """

    bin_name: str
    starts: Int64Array
    counts: Int64Array
    types: tuple[EventType, ...]
    first: int
    last: int


def timeline(histories: Histories) -> Timeline | None:
    """Counts events by type in bins that are short enough to show shape and few enough to draw; None without events."""
    if histories.n_events == 0:
        return None
    first, last = int(histories.timestamp.min()), int(histories.timestamp.max())
    days = (last - first) // MICROSECONDS_A_DAY + 1
    fitting = [name for name, length in BIN_DAYS.items() if days / length <= MOST_BINS]
    name = fitting[0] if fitting else "year"
    width = BIN_DAYS[name] * MICROSECONDS_A_DAY
    start = first - first % MICROSECONDS_A_DAY
    n_bins, n_codes = (last - start) // width + 1, len(EVENT_TYPES) + 1
    counts = np.zeros(n_bins * n_codes, dtype=np.int64)
    for place in range(0, len(histories.timestamp), CHUNK):
        chunk = slice(place, place + CHUNK)
        bins = (np.asarray(histories.timestamp[chunk]) - start) // width
        counts += np.bincount(bins * n_codes + histories.event_type[chunk], minlength=len(counts))
    table = counts.reshape(n_bins, n_codes)[:, 1:]
    present = np.flatnonzero(table.sum(axis=0))
    return Timeline(
        bin_name=name,
        starts=start + width * np.arange(n_bins, dtype=np.int64),
        counts=table[:, present],
        types=tuple(EVENT_TYPES[place] for place in present),
        first=first,
        last=last,
    )


def log_histogram(values: Int64Array) -> tuple[Int64Array, Int64Array, Int64Array]:
    """A histogram with bins that double: 1, 2-3, 4-7, 8-15...

    Args:
        values: int64 [n]; those below 1 are left out.

    Returns:
        int64 [bins] each: first value of the bin, last value, how many.
    """
    positive = np.asarray(values)[np.asarray(values) > 0]
    if len(positive) == 0:
        return (np.zeros(0, np.int64),) * 3
    power = np.floor(np.log2(positive)).astype(np.int64)
    counts = np.bincount(power)
    low = 2 ** np.arange(len(counts), dtype=np.int64)
    return low, 2 * low - 1, counts


def rank_curve(counts: Int64Array, points: int = 160) -> tuple[Int64Array, Int64Array]:
    """Popularity by rank, at ranks evenly spread on a log scale.

    Args:
        counts: int64 [items]; zeros are left out.
        points: At most so many ranks.

    Returns:
        int64 [p] each: ranks from 1, and events of the item at that rank.
    """
    ordered = np.sort(np.asarray(counts)[np.asarray(counts) > 0])[::-1]
    if len(ordered) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    ranks = np.unique(np.round(np.geomspace(1, len(ordered), points)).astype(np.int64))
    return ranks, ordered[ranks - 1]


def share_of_top(counts: Int64Array, top: float = 0.1) -> float:
    """Share of all events that falls on the most popular `top` share of the items that have events (at least one)."""
    ordered = np.sort(np.asarray(counts)[np.asarray(counts) > 0])[::-1]
    if len(ordered) == 0:
        return 0.0
    taken = max(1, round(top * len(ordered)))
    return float(ordered[:taken].sum() / ordered.sum())


def quantiles(values: Int64Array) -> Float64Array:
    """Median and 90 % quantile, float64 [2]; zeros without values."""
    return np.quantile(values, [0.5, 0.9]) if len(values) else np.zeros(2)

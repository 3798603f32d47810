"""Examples of shoppers with items of the whole catalog, of which most pairs come to nothing.

The pairs are all of a shopper, at a moment at which he was there, with an item that was known by then. Of those with
the target all are kept, of the others each with the same chance, independent of everything: then the probabilities of
a model have one exact correction (`corrected`).
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.window import Window
from shopkeeper.data.schema import EventType
from shopkeeper.errors import DataError
from shopkeeper.types import Int64Array


def sampled(window: Window) -> Examples:
    """Examples at moments of shoppers, with every item that the target or another behavior came of, and some others.

    A moment is a time at which the shopper showed interest in something; what he did then is part of what came.

    Raises:
        DataError: No moment has its horizon within the window, or there is no event of the target.
    """
    generator = np.random.default_rng(window.settings.seed)
    moments = _moments(window, generator)
    first_seen, by_age = _ages(window)
    pool = np.searchsorted(first_seen, window.time[moments])  # so many items were known
    if not pool.any():
        raise DataError("at no moment was an item known before", remedy="give a longer log, or a later start")
    rank = np.empty(window.log.n_items + 1, dtype=np.int64)
    rank[by_age] = np.arange(len(by_age))
    starts = np.concatenate([[0], np.cumsum(pool)])
    came = [_positives(window, moments, wanted, pool, rank) for wanted in window.settings.labeled]
    positive = np.unique(np.concatenate(came))
    rate = min(1.0, window.settings.negatives * len(moments) / max(1, int(starts[-1]) - len(positive)))
    drawn = np.setdiff1d(_draw(int(starts[-1]), rate, generator), positive, assume_unique=True)
    chosen = np.sort(np.concatenate([positive, drawn]))
    row = np.searchsorted(starts, chosen, side="right") - 1
    labels = np.stack([np.isin(chosen, one) for one in came], axis=1).astype(np.float32)
    return Examples(
        user_index=window.user[moments[row]],
        item_index=by_age[chosen - starts[row]].astype(np.int32),
        timestamp=window.time[moments[row]],
        label=labels[:, 0],
        behaviors=tuple(one.value for one in window.settings.labeled) if len(came) > 1 else (),
        labels=labels if len(came) > 1 else None,
        negative_rate=rate,
    )


def _moments(window: Window, generator: Generator) -> Int64Array:
    """Places of the first event of each moment that is asked about, ascending."""
    first = np.ones(len(window.time), dtype=bool)
    first[1:] = window.tie_end[1:] != window.tie_end[:-1]
    shown = np.add.reduceat(window.interest, np.flatnonzero(first)) > 0
    places = np.flatnonzero(first)[shown]
    places = places[(window.time[places] >= window.start) & (window.time[places] < window.last)]
    if len(places) == 0:
        raise DataError(
            "no moment of a shopper has its horizon within the log",
            remedy="give a longer log or a shorter horizon",
        )
    most = window.settings.moments_a_user
    if most is None:
        return places
    order = np.lexsort((generator.random(len(places)), window.user[places]))
    users = window.user[places[order]]
    within = np.arange(len(users)) - np.searchsorted(users, users)
    return np.sort(places[order[within < most]])


def _ages(window: Window) -> tuple[Int64Array, Int64Array]:
    """When each item was first seen, ascending, and the items in that order; items without an event are left out."""
    never = np.iinfo(np.int64).max
    seen = np.full(window.log.n_items + 1, never)
    np.minimum.at(seen, window.item, window.time)
    order = np.argsort(seen, kind="stable")
    order = order[seen[order] < never]
    return seen[order], order.astype(np.int64)


def _positives(
    window: Window, moments: Int64Array, wanted: EventType, pool: Int64Array, rank: Int64Array
) -> Int64Array:
    """The pairs of which an event of a type came within the horizon, int64, distinct, ascending.

    Args:
        window: The log.
        moments: int64 [m]; places of the moments.
        wanted: The type of event.
        pool: int64 [m]; how many items were known at each moment.
        rank: int64 [n_items + 1]; place of each item among the known, by age.

    Returns:
        A pair is its place among all pairs of moments with items that were known by then.
    """
    match window.settings.horizon:
        case "days":
            end = window.places_at(window.user[moments], window.time[moments] + window.reach)
        case "session":
            end = window.session_end[moments]
        case _:
            end = window.tie_end[moments]
    target = np.flatnonzero(window.is_of(wanted))
    low, high = np.searchsorted(target, moments), np.searchsorted(target, end)
    counts = high - low
    row = np.repeat(np.arange(len(moments)), counts)
    within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    item = window.item[target[np.repeat(low, counts) + within]]
    known = rank[item] < pool[row]
    starts = np.cumsum(pool) - pool
    return np.unique(starts[row[known]] + rank[item[known]]).astype(np.int64)


def _draw(n: int, rate: float, generator: Generator) -> Int64Array:
    """Each of n numbers with the same chance, ascending."""
    if rate >= 1:
        return np.arange(n)
    chosen: Int64Array = generator.choice(n, generator.binomial(n, rate), replace=False, shuffle=False)
    return np.sort(chosen)

"""Shoppers to pick from, and what one of them did."""

from __future__ import annotations

from collections import Counter

import numpy as np

from shopkeeper.data.schema import CATEGORY_SEPARATOR, EVENT_TYPES
from shopkeeper.serving.answers import HistoryOut, PastEventOut, UserOut
from shopkeeper.serving.item_facts import MOST_LEVELS, some_facts
from shopkeeper.serving.reading import iso
from shopkeeper.serving.served import Served
from shopkeeper.types import Id, Int32Array, Int64Array

MOST_LOOKED_AT = 1000
"""Some shoppers of the log were forgotten since: so many are looked at, at most, to fill a list."""


def some_shoppers(served: Served, query: str, limit: int) -> list[UserOut]:
    """Shoppers of the log, those with most events first.

    Args:
        served: Whose shoppers.
        query: A part of the id, in any case; empty for all. A shopper whose whole id it is comes first, also one whom
            only the event store knows.
        limit: How many.
    """
    users = served.pipeline.memory.users
    places = _matching(served, query.strip())
    order = places[np.argsort(-served.pipeline.memory.histories.lengths[places], kind="stable")][:MOST_LOOKED_AT]
    found: dict[Id, None] = {users.parse(query.strip()): None} if query.strip() else {}
    found.update(dict.fromkeys(users.ids(order + 1)))
    known: list[Id] = []
    for user_id in found:
        if len(known) == limit:
            break
        if served.profiles.knows(user_id):
            known.append(user_id)
    return [_shopper(served, user_id) for user_id in known]


def _shopper(served: Served, user_id: Id) -> UserOut:
    """What tells one shopper from others."""
    history = served.profiles.history(user_id)
    last = iso(int(history.timestamp[-1])) if len(history.timestamp) else None
    return UserOut(user_id, len(history.item_index), last, _favorite(served, history.item_index))


def _favorite(served: Served, item_index: Int32Array) -> str | None:
    """The two widest steps of the category that most events are of; None where no category is known."""
    paths = (served.facts.category(item) for item in item_index.tolist())
    counts = Counter(CATEGORY_SEPARATOR.join(path.split(CATEGORY_SEPARATOR)[:MOST_LEVELS]) for path in paths if path)
    return max(counts, key=lambda path: (counts[path], path)) if counts else None


def _matching(served: Served, query: str) -> Int64Array:
    """Places of the shoppers whose id holds the text, int64 [n]."""
    import pyarrow as pa
    import pyarrow.compute as pc

    users = served.pipeline.memory.users
    if not query:
        return np.arange(len(users), dtype=np.int64)
    holds = pc.match_substring(users.arrow.cast(pa.large_string()), query, ignore_case=True)
    found: Int64Array = np.flatnonzero(holds.to_numpy(zero_copy_only=False))
    return found


def history_of(served: Served, user_id: Id, limit: int) -> HistoryOut:
    """The latest events of a shopper, newest first."""
    history = served.profiles.history(user_id)
    first = max(0, len(history.item_index) - limit)
    index = history.item_index[first:][::-1]
    events = [
        PastEventOut(item_id, EVENT_TYPES[code - 1].value, iso(moment), some_facts(served.facts, item))
        for item_id, item, code, moment in zip(
            served.items.ids(index),
            index.tolist(),
            history.event_type[first:][::-1].tolist(),
            history.timestamp[first:][::-1].tolist(),
            strict=True,
        )
    ]
    return HistoryOut(user_id, served.profiles.knows(user_id), events)

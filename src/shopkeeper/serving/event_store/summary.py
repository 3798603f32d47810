"""What lies in an event store, in a few numbers."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select

from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.event_store.tables import answers, deletions, events


class Summary(NamedTuple):
    """Numbers of a whole store."""

    events: int
    shoppers: int
    items: int
    by_type: dict[str, int]
    """Events of each type, most first."""
    first: int | None
    """Time of the earliest event, Unix microseconds; None where there is none."""
    last: int | None
    answers: int
    deletions: int


def summarize(store: EventStore) -> Summary:
    """Counts what lies in a store: reads all of it.

    Raises:
        StoreError: The store cannot be read.
    """
    event = events.c
    whole = select(
        func.count(),
        func.count(event.user_id.distinct()),
        func.count(event.item_id.distinct()),
        func.min(event.timestamp),
        func.max(event.timestamp),
    ).select_from(events)
    of_type = select(event.event_type, func.count().label("n")).group_by(event.event_type)
    with store.reading() as connection:
        n_events, shoppers, items, first, last = connection.execute(whole).one()
        by_type = {row.event_type: row.n for row in connection.execute(of_type)}
        n_answers = connection.execute(select(func.count()).select_from(answers)).scalar_one()
        n_deletions = connection.execute(select(func.count()).select_from(deletions)).scalar_one()
    ordered = dict(sorted(by_type.items(), key=lambda one: -one[1]))
    return Summary(n_events, shoppers, items, ordered, first, last, n_answers, n_deletions)

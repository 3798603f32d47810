"""Questions that the dashboard asks the event store. They only read.

Each is bounded twice: by the time asked about, over an index of times, and by a number of rows, the latest first. So a
refresh costs the same in a shop of any size, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Subquery, func, select

from shopkeeper.serving.event_store.tables import BUCKETS, answers, events, traffic

MAX_EVENTS: Final = 50_000
"""The latest events of the time asked about; older ones are not counted."""
MAX_ANSWERS: Final = 10_000
"""The latest answers of the time asked about."""


class TrafficStep(NamedTuple):
    """Requests of one route in one step of time, over all workers."""

    step: int
    """Number of the step since the Unix epoch."""
    route: str
    requests: int
    errors: int
    histogram: tuple[int, ...]
    """Requests in each bucket of `LATENCY_BOUNDS_MS`, and above."""


class ShownAnswer(NamedTuple):
    """What was recommended in one answer."""

    recommendation_id: str
    timestamp: int
    """Unix microseconds, UTC."""
    placement: str | None
    item_ids: tuple[Any, ...]
    fallback: int


class Response(NamedTuple):
    """An event that names the answer it came from."""

    recommendation_id: str
    item_id: str
    event_type: str


def traffic_by_step(connection: Connection, first_step: int, minutes: int) -> list[TrafficStep]:
    """Traffic summed over steps.

    Args:
        connection: A reading transaction.
        first_step: Steps of lower numbers are left out.
        minutes: Length of a step; step n holds the minutes from n times this.
    """
    step = (traffic.c.minute // minutes).label("step")
    sums = [func.sum(traffic.c[name]) for name in ("requests", "errors", *BUCKETS)]
    query = (
        select(step, traffic.c.route, *sums)
        .where(traffic.c.minute >= first_step * minutes)
        .group_by(step, traffic.c.route)
    )
    return [
        TrafficStep(row[0], row[1], int(row[2]), int(row[3]), tuple(int(count) for count in row[4:]))
        for row in connection.execute(query)
    ]


def events_by_step(connection: Connection, start: int, step: int) -> list[tuple[int, str, int]]:
    """Events counted by step of time and type.

    Args:
        connection: A reading transaction.
        start: Earlier events are left out; Unix microseconds.
        step: Length of a step in microseconds; step n holds the times from n times this.

    Returns:
        Step, event type, count.
    """
    latest = _latest_events(start)
    number = (latest.c.timestamp // step).label("step")
    query = select(number, latest.c.event_type, func.count()).group_by(number, latest.c.event_type)
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def counted_since(connection: Connection, start: int) -> int | None:
    """Time of the first event that `events_by_step` counts, where the number of rows cut off earlier ones."""
    return _cut(connection, events.c.timestamp, start, MAX_EVENTS)


def answers_since(connection: Connection, start: int) -> list[ShownAnswer]:
    """The latest answers from a time on (Unix microseconds), newest first."""
    columns = (
        answers.c.recommendation_id, answers.c.timestamp, answers.c.placement, answers.c.item_ids, answers.c.fallback,
    )  # fmt: skip
    query = select(*columns).where(answers.c.timestamp >= start).order_by(answers.c.timestamp.desc()).limit(MAX_ANSWERS)
    return [ShownAnswer(row[0], row[1], row[2], tuple(json.loads(row[3])), row[4]) for row in connection.execute(query)]


def answers_counted_since(connection: Connection, start: int) -> int | None:
    """Time of the first answer that `answers_since` gives, where the number of rows cut off earlier ones."""
    return _cut(connection, answers.c.timestamp, start, MAX_ANSWERS)


def responses_since(connection: Connection, start: int) -> set[Response]:
    """What the latest events from a time on (Unix microseconds) say of answers, each thing once."""
    latest = _latest_events(start)
    query = (
        select(latest.c.recommendation_id, latest.c.item_id, latest.c.event_type)
        .where(latest.c.recommendation_id.is_not(None))
        .distinct()
    )
    return {Response(*row) for row in connection.execute(query)}


def last_event(connection: Connection) -> int | None:
    """Time of the latest event in Unix microseconds, or None."""
    found: int | None = connection.execute(select(func.max(events.c.timestamp))).scalar()
    return found


def events_after(connection: Connection, sequence: int) -> int:
    """How many events came after a sequence; at most `MAX_EVENTS` are counted."""
    later = select(events.c.sequence).where(events.c.sequence > sequence).limit(MAX_EVENTS).subquery()
    return int(connection.execute(select(func.count()).select_from(later)).scalar_one())


def _latest_events(start: int) -> Subquery:
    event = events.c
    return (
        select(event.timestamp, event.event_type, event.recommendation_id, event.item_id)
        .where(event.timestamp >= start)
        .order_by(event.timestamp.desc())
        .limit(MAX_EVENTS)
        .subquery()
    )


def _cut(connection: Connection, column: Any, start: int, limit: int) -> int | None:
    """Time of the row in place `limit`, newest first, where there is an older one; else None."""
    times = select(column).where(column >= start).order_by(column.desc()).offset(limit - 1).limit(2)
    rows = connection.execute(times).scalars().all()
    return rows[0] if len(rows) == 2 else None

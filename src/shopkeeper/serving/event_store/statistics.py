"""Questions that the dashboard asks the event store. They only read, and what they read are roll-ups.

So a refresh costs the same in a shop of any size: what grows with the time asked about are buckets, not rows. Only the
items of the answers before the first full hour are read from the answers themselves.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, func, select, text

from shopkeeper.serving.event_store.rollups import DAY, FINE, HOUR, MINUTE_US, RollUps
from shopkeeper.serving.event_store.tables import BUCKETS, answer_counts, event_counts, events, traffic, traffic_hours

MAX_EVENTS: Final = 50_000
"""Events after a sequence are counted up to this number."""
SUMS: Final = ("answers", "items", "fallback", "clicked", "carted", "purchased")


class TrafficStep(NamedTuple):
    """Requests of one route in one step of time, over all workers."""

    step: int
    """Number of the step since the Unix epoch."""
    route: str
    requests: int
    errors: int
    histogram: tuple[int, ...]
    """Requests in each bucket of `LATENCY_BOUNDS_MS`, and above."""


class OutcomeStep(NamedTuple):
    """What became of the answers of one step of time, placement and model."""

    step: int
    placement: str
    """Empty where the request named none."""
    model: str
    answers: int
    items: int
    fallback: int
    clicked: int
    carted: int
    purchased: int


class ShownItem(NamedTuple):
    """How often an item was recommended."""

    item_id: str
    """As the store keeps it: text."""
    answers: int
    clicked: int
    """Of how many of these answers it was clicked."""


def traffic_by_step(connection: Connection, first_step: int, minutes: int) -> list[TrafficStep]:
    """Traffic summed over steps.

    Args:
        connection: A reading transaction.
        first_step: Steps of lower numbers are left out.
        minutes: Length of a step; step n holds the minutes from n times this.
    """
    table, time, length = (
        (traffic_hours, traffic_hours.c.hour, minutes // HOUR)
        if minutes % HOUR == 0
        else (traffic, traffic.c.minute, minutes)
    )
    step = (time // length).label("step")
    sums = [func.sum(table.c[name]) for name in ("requests", "errors", *BUCKETS)]
    query = select(step, table.c.route, *sums).where(time >= first_step * length).group_by(step, table.c.route)
    return [
        TrafficStep(row[0], row[1], int(row[2]), int(row[3]), tuple(int(count) for count in row[4:]))
        for row in connection.execute(query)
    ]


def events_by_step(connection: Connection, first_step: int, minutes: int) -> list[tuple[int, str, int]]:
    """Events counted by step of time and type.

    Args:
        connection: A reading transaction.
        first_step: Steps of lower numbers are left out.
        minutes: Length of a step.

    Returns:
        Step, event type, count.
    """
    step, which = _steps(event_counts, first_step, minutes)
    kind, count = event_counts.c.event_type, func.sum(event_counts.c.events)
    query = select(step, kind, count).where(*which).group_by(step, kind).having(count > 0)
    return [(row[0], row[1], int(row[2])) for row in connection.execute(query)]


def outcomes_by_step(connection: Connection, first_step: int, minutes: int) -> list[OutcomeStep]:
    """What became of answers, by step of time, placement and model."""
    step, which = _steps(answer_counts, first_step, minutes)
    keys = (step, answer_counts.c.placement, answer_counts.c.model)
    sums = [func.sum(answer_counts.c[name]) for name in SUMS]
    query = select(*keys, *sums).where(*which).group_by(*keys).having(sums[0] > 0)
    return [OutcomeStep(*row[:3], *map(int, row[3:])) for row in connection.execute(query)]


def most_shown_items(connection: Connection, start: int, limit: int, rollups: RollUps) -> tuple[list[ShownItem], int]:
    """The items that were recommended most.

    Args:
        connection: A reading transaction.
        start: Earlier answers are left out; Unix microseconds at a full minute.
        limit: How many items.
        rollups: Of the store.

    Returns:
        The items, most first; and how many distinct ones there were.
    """
    hour = -(-start // (HOUR * MINUTE_US))
    day = -(-hour // 24)
    query = f"""
        SELECT item_id, SUM(answers) AS answers, SUM(clicked) AS clicked, COUNT(*) OVER () AS items FROM (
            SELECT item_id, answers, clicked FROM item_counts WHERE minutes = {DAY} AND bucket >= :day
            UNION ALL
            SELECT item_id, answers, clicked FROM item_counts
            WHERE minutes = {HOUR} AND bucket >= :hour AND bucket < :first_of_day
            UNION ALL
            SELECT CAST(j.value AS TEXT), 1, CASE WHEN EXISTS (SELECT 1 FROM responses r
                WHERE r.recommendation_id = a.recommendation_id AND r.item_id = CAST(j.value AS TEXT)) THEN 1 ELSE 0 END
            FROM answers a CROSS JOIN {rollups.items_of_answer}
            WHERE a.timestamp >= :start AND a.timestamp < :first_of_hour AND a.level IS NOT NULL
        ) counted GROUP BY item_id HAVING SUM(answers) > 0
        ORDER BY answers DESC, item_id {"" if rollups.is_sqlite else 'COLLATE "C"'} LIMIT :limit"""
    bounds = {"start": start, "hour": hour, "day": day, "first_of_hour": hour * HOUR * MINUTE_US, "limit": limit}
    rows = connection.execute(text(query), {**bounds, "first_of_day": day * 24}).fetchall()
    return [ShownItem(row[0], int(row[1]), int(row[2])) for row in rows], int(rows[0][3]) if rows else 0


def last_event(connection: Connection) -> int | None:
    """Time of the latest event in Unix microseconds, or None."""
    found: int | None = connection.execute(select(func.max(events.c.timestamp))).scalar()
    return found


def events_after(connection: Connection, sequence: int) -> int:
    """How many events came after a sequence; at most `MAX_EVENTS` are counted."""
    later = select(events.c.sequence).where(events.c.sequence > sequence).limit(MAX_EVENTS).subquery()
    return int(connection.execute(select(func.count()).select_from(later)).scalar_one())


def _steps(table: Any, first_step: int, minutes: int) -> tuple[Any, tuple[Any, ...]]:
    """The number of the step of a row of roll-ups, and the condition on the rows that are read."""
    size = HOUR if minutes % HOUR == 0 else FINE
    length = minutes // size
    return (table.c.bucket // length).label("step"), (table.c.minutes == size, table.c.bucket >= first_step * length)

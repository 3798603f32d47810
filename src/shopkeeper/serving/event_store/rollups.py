"""Roll-ups: sums by minute, hour and day that the dashboard reads instead of the rows, kept exact by SQL.

Events are counted in the order of their sequences, up to one that the store remembers; answers once, when their `level`
is set. Both happen a page at a time, in transactions that no other writer overlaps, so that any worker may go on where
another has stopped. What is deleted is counted once more, with the sign turned. A late event changes the answer that it
names: the answer is taken out of the sums, and put back with its new level.

An event counts for an answer where it names it and its item was in it. An answer counts once, at its own time, under
the highest level that any of its items reached: clicked (any interest), in the cart, bought.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import Connection, insert, text

from shopkeeper.data.schema import INTEREST_TYPES, RECOMMENDATION_ID, EventType
from shopkeeper.serving.event_store.tables import BUCKETS, touched

if TYPE_CHECKING:
    from shopkeeper.serving.event_store.store import EventStore

MINUTE_US: Final = 60_000_000
FINE: Final = 1
"""Minutes of the short buckets of events and answers."""
HOUR: Final = 60
DAY: Final = 1440
EVENTS_AT_ONCE: Final = 2000
"""Events counted in one transaction: a short one, since new events wait for the same lock."""
ANSWERS_AT_ONCE: Final = 500
LEVELS: Final[Mapping[str, int]] = {
    event_type.value: {EventType.CART: 2, EventType.PURCHASE: 3}.get(event_type, 1) for event_type in INTEREST_TYPES
}
"""How far an event of each type leads: 1 clicked, 2 in the cart, 3 bought."""

_INTEREST: Final = ", ".join(f"'{name}'" for name in LEVELS)
_LEVEL: Final = "CASE e.event_type " + " ".join(f"WHEN '{n}' THEN {level}" for n, level in LEVELS.items()) + " END"
_BUCKET: Final = f"/ (CAST(s.minutes AS BIGINT) * {MINUTE_US})"
_FINE_AND_HOURS: Final = f"(SELECT {FINE} AS minutes UNION ALL SELECT {HOUR}) s"
_HOURS_AND_DAYS: Final = f"(SELECT {HOUR} AS minutes UNION ALL SELECT {DAY}) s"
_COUNT_EVENTS: Final = f"""
    INSERT INTO event_counts (minutes, bucket, event_type, events)
    SELECT s.minutes, e.timestamp {_BUCKET}, e.event_type, :sign * COUNT(*)
    FROM events e CROSS JOIN {_FINE_AND_HOURS} WHERE {{which}} GROUP BY 1, 2, 3
    ON CONFLICT (minutes, bucket, event_type) DO UPDATE SET events = event_counts.events + excluded.events"""
_OF_PAGE: Final = "e.sequence > :low AND e.sequence <= :high"
_OF_USER: Final = "e.user_id = :user AND e.sequence <= :high"
_PAGE_OF_AGED: Final = "SELECT sequence FROM events WHERE timestamp < :before ORDER BY timestamp, sequence LIMIT :page"
_AGED: Final = f"e.sequence IN ({_PAGE_OF_AGED}) AND e.sequence <= :high"
_SUMS: Final = ("answers", "items", "fallback", "clicked", "carted", "purchased")
_COUNT_OUTCOMES: Final = f"""
    INSERT INTO answer_counts (minutes, bucket, placement, model, {", ".join(_SUMS)})
    SELECT s.minutes, a.timestamp {_BUCKET}, COALESCE(a.placement, ''), a.model,
        :sign * COUNT(*), :sign * SUM(a.n_items), :sign * SUM(a.fallback),
        :sign * SUM(CASE WHEN a.level >= 1 THEN 1 ELSE 0 END),
        :sign * SUM(CASE WHEN a.level >= 2 THEN 1 ELSE 0 END),
        :sign * SUM(CASE WHEN a.level >= 3 THEN 1 ELSE 0 END)
    FROM touched t JOIN answers a ON a.recommendation_id = t.recommendation_id CROSS JOIN {_FINE_AND_HOURS}
    WHERE a.level IS NOT NULL GROUP BY 1, 2, 3, 4
    ON CONFLICT (minutes, bucket, placement, model) DO UPDATE SET
        {", ".join(f"{name} = answer_counts.{name} + excluded.{name}" for name in _SUMS)}"""
_COUNT_ITEMS: Final = f"""
    INSERT INTO item_counts (minutes, bucket, item_id, answers, clicked)
    SELECT s.minutes, a.timestamp {_BUCKET}, {{item}}, :shown * COUNT(*), :clicked * COUNT(DISTINCT a.recommendation_id)
    FROM touched t JOIN answers a ON a.recommendation_id = t.recommendation_id {{of}} CROSS JOIN {_HOURS_AND_DAYS}
    WHERE a.level IS NOT NULL {{where}} GROUP BY 1, 2, 3
    ON CONFLICT (minutes, bucket, item_id) DO UPDATE SET
        answers = item_counts.answers + excluded.answers, clicked = item_counts.clicked + excluded.clicked"""
_RESPOND: Final = f"""
    INSERT INTO responses (recommendation_id, item_id, user_id, level)
    SELECT e.recommendation_id, e.item_id, e.user_id, MAX({_LEVEL}) FROM events e
    WHERE {{which}} AND e.recommendation_id IS NOT NULL AND e.event_type IN ({_INTEREST}) GROUP BY 1, 2, 3
    ON CONFLICT (recommendation_id, item_id, user_id) DO UPDATE SET level = excluded.level
        WHERE excluded.level > responses.level"""
_TOUCH_NAMED: Final = """
    INSERT INTO touched (recommendation_id) SELECT DISTINCT a.recommendation_id
    FROM events e JOIN answers a ON a.recommendation_id = e.recommendation_id
    WHERE {which} AND e.recommendation_id IS NOT NULL AND a.level IS NOT NULL"""


TOUCHED: Final = "SELECT recommendation_id FROM touched"
CLEAR: Final = "DELETE FROM touched"
TRAFFIC_SUMS: Final = ("requests", "errors", *BUCKETS)


class Backlog(NamedTuple):
    """What the roll-ups do not hold yet."""

    events: int
    """Sequences from the last one counted to the last one stored; 0 where no event waits."""
    answers: int


class RollUps:
    """The roll-ups of one kind of database. What takes a connection runs in a writing transaction of its caller.

    Args:
        is_sqlite: SQLite, or else PostgreSQL.
    """

    def __init__(self, is_sqlite: bool) -> None:
        self.is_sqlite = is_sqlite
        self.items_of_answer: str = (
            "json_each(a.item_ids) j" if is_sqlite else "json_array_elements_text(CAST(a.item_ids AS json)) j(value)"
        )
        """A table expression with the column `value`: one row for each item of the answer `a`."""
        inside = f"(SELECT CAST(j.value AS TEXT) FROM {self.items_of_answer})"
        self._count_shown = _COUNT_ITEMS.format(
            item="CAST(j.value AS TEXT)", of=f"CROSS JOIN {self.items_of_answer}", where=""
        )
        self._count_clicked = _COUNT_ITEMS.format(
            item="r.item_id",
            of="JOIN responses r ON r.recommendation_id = a.recommendation_id",
            where=f"AND r.item_id IN {inside}",
        )
        self._set_levels = f"""
            UPDATE answers AS a SET level = COALESCE((SELECT MAX(r.level) FROM responses r
                WHERE r.recommendation_id = a.recommendation_id AND r.item_id IN {inside}), 0)
            WHERE a.recommendation_id IN ({TOUCHED})"""

    def count_events(self, connection: Connection) -> bool:
        """Counts the next page of events.

        Returns:
            Whether there was one.
        """
        low = counted_sequence(connection)
        page = f"SELECT sequence FROM events WHERE sequence > :low ORDER BY sequence LIMIT {EVENTS_AT_ONCE}"
        high = _scalar(connection, f"SELECT MAX(sequence) FROM ({page}) p", low=low)
        if high is None:
            return False
        bounds = {"low": low, "high": high}
        _run(connection, _COUNT_EVENTS.format(which=_OF_PAGE), sign=1, **bounds)
        _run(connection, _TOUCH_NAMED.format(which=f"{_OF_PAGE} AND e.event_type IN ({_INTEREST})"), **bounds)
        with self._counted_anew(connection):
            _run(connection, _RESPOND.format(which=_OF_PAGE), **bounds)
        _run(connection, "UPDATE store SET counted_sequence = :high", high=high)
        return True

    def count_answers(self, connection: Connection) -> bool:
        """Counts a page of the answers that wait for it.

        Returns:
            Whether there was one.
        """
        waiting = f"SELECT recommendation_id FROM answers WHERE level IS NULL LIMIT {ANSWERS_AT_ONCE}"
        if not _run(connection, f"INSERT INTO touched (recommendation_id) {waiting}"):
            return False
        _run(connection, self._set_levels)
        self._count(connection, 1, shown=True)
        _run(connection, CLEAR)
        return True

    def take_out_answers(self, connection: Connection, names: Sequence[str]) -> None:
        """Takes answers that are about to be deleted out of the roll-ups, with what was done with them.

        Args:
            connection: A writing transaction.
            names: Their recommendation ids.
        """
        if not names:
            return
        connection.execute(insert(touched), [{RECOMMENDATION_ID: name} for name in names])
        self._count(connection, -1, shown=True)
        _run(connection, f"DELETE FROM responses WHERE recommendation_id IN ({TOUCHED})")
        _run(connection, CLEAR)

    def take_out_events(self, connection: Connection, user: str) -> None:
        """Takes all events of a user that are about to be deleted out of the roll-ups."""
        values = {"user": user, "high": counted_sequence(connection)}
        _run(connection, _COUNT_EVENTS.format(which=_OF_USER), sign=-1, **values)
        _run(connection, _TOUCH_NAMED.format(which=_OF_USER), **values)
        named = f"SELECT e.recommendation_id FROM events e WHERE {_OF_USER} AND e.recommendation_id IS NOT NULL"
        with self._counted_anew(connection):
            _run(
                connection, f"DELETE FROM responses WHERE user_id = :user AND recommendation_id IN ({named})", **values
            )

    def take_out_aged(self, connection: Connection, before: int, page: int) -> None:
        """Takes the `page` oldest events from before a moment, which are about to be deleted, out of the roll-ups."""
        values = {"before": before, "page": page, "high": counted_sequence(connection)}
        _run(connection, _COUNT_EVENTS.format(which=_AGED), sign=-1, **values)
        _run(connection, _TOUCH_NAMED.format(which=_AGED), **values)
        users = f"SELECT a.user_id FROM events a WHERE a.sequence IN ({_PAGE_OF_AGED})"
        named = f"SELECT a.recommendation_id FROM events a WHERE a.sequence IN ({_PAGE_OF_AGED})"
        named += " AND a.recommendation_id IS NOT NULL"
        of_them = f"e.user_id IN ({users}) AND e.recommendation_id IN ({named})"
        younger = f"e.sequence NOT IN ({_PAGE_OF_AGED}) AND e.sequence <= :high AND {of_them}"
        with self._counted_anew(connection):
            _run(connection, f"DELETE FROM responses AS e WHERE {of_them}", before=before, page=page)
            _run(connection, _RESPOND.format(which=younger), **values)

    @contextmanager
    def _counted_anew(self, connection: Connection) -> Iterator[None]:
        """Takes the touched answers out of the sums, and puts them back after the block has changed their responses."""
        has_any = bool(_scalar(connection, f"SELECT EXISTS ({TOUCHED})"))
        if has_any:
            self._count(connection, -1)
        yield
        if has_any:
            _run(connection, self._set_levels)
            self._count(connection, 1)
            _run(connection, CLEAR)

    def _count(self, connection: Connection, sign: int, shown: bool = False) -> None:
        """Adds the touched answers that were counted to the sums, or takes them out."""
        _run(connection, _COUNT_OUTCOMES, sign=sign)
        _run(connection, self._count_clicked, shown=0, clicked=sign)
        if shown:
            _run(connection, self._count_shown, shown=sign, clicked=0)


def counted_sequence(connection: Connection) -> int:
    """Events up to this sequence are in the roll-ups."""
    return int(_scalar(connection, "SELECT counted_sequence FROM store"))


def catch_up(store: EventStore, seconds: float) -> bool:
    """Brings the roll-ups of a store up to date, page by page.

    Args:
        store: The store.
        seconds: When to stop; a page that was begun is finished.

    Returns:
        Whether nothing is left to count.

    Raises:
        StoreError: The database refuses.
    """
    ends = time.monotonic() + seconds
    while True:
        with store.reading() as connection:
            backlog = backlog_of(connection)
        if not (backlog.events or backlog.answers):
            return True
        if time.monotonic() > ends:
            return False
        with store.writing() as connection:
            if backlog.events:
                store.rollups.count_events(connection)
            if backlog.answers:
                store.rollups.count_answers(connection)


def backlog_of(connection: Connection) -> Backlog:
    """What the roll-ups do not hold yet."""
    last = _scalar(connection, "SELECT MAX(sequence) FROM events") or 0
    waiting = _scalar(connection, "SELECT COUNT(*) FROM answers WHERE level IS NULL")
    return Backlog(max(0, last - counted_sequence(connection)), int(waiting))


def pruned_before(connection: Connection) -> int:
    """Answers and traffic from before this moment were deleted (Unix microseconds); 0 where none were."""
    return int(_scalar(connection, "SELECT pruned_before FROM store"))


def reset(connection: Connection) -> None:
    """Empties the roll-ups: the next `catch_up` counts all events and answers anew, and traffic is summed here."""
    for name in ("event_counts", "answer_counts", "item_counts", "responses", "traffic_hours"):
        _run(connection, f"DELETE FROM {name}")
    _run(connection, "UPDATE answers SET level = NULL WHERE level IS NOT NULL")
    _run(connection, "UPDATE store SET counted_sequence = 0")
    sums = ", ".join(f"SUM({name})" for name in TRAFFIC_SUMS)
    _run(
        connection,
        f"""INSERT INTO traffic_hours (hour, route, {", ".join(TRAFFIC_SUMS)})
        SELECT minute / 60, route, {sums} FROM traffic GROUP BY 1, 2""",
    )


def _run(connection: Connection, statement: str, **values: Any) -> int:
    return connection.execute(text(statement), values).rowcount


def _scalar(connection: Connection, statement: str, **values: Any) -> Any:
    return connection.execute(text(statement), values).scalar()

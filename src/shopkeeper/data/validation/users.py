"""Shoppers: how many, how active; those who act faster than people, and those who are tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from shopkeeper.data import schema
from shopkeeper.data.cleaning.bounds import robust_bounds
from shopkeeper.data.schema import INTEREST_TYPES, ROW, EventType
from shopkeeper.data.validation.findings import PLACEHOLDERS, Finding, Severity, placeholder_finding
from shopkeeper.data.validation.settings import ValidationSettings

if TYPE_CHECKING:
    from shopkeeper.data.events import Events

TEST_WORDS: Final = r"(^|[^a-z])(test|tester|testuser|testing|dummy|demo|qa)([^a-z]|$)"
RATE_SAMPLE: Final = 1_000_000


@dataclass(frozen=True)
class UserFacts:
    """What was counted.

    Attributes:
        users: Distinct shoppers.
        with_events: Number of events (views, likes, carts, purchases) to shoppers who have at least so many of them.
        buying_twice: Shoppers with at least two purchases.
        on_two_days: Shoppers with events on at least two days.
        median_events: Median number of such events of a shopper who has one.
        findings: Bots and test accounts.
    """

    users: int
    with_events: dict[int, int]
    buying_twice: int
    on_two_days: int
    median_events: float
    findings: list[Finding]


def check_users(events: Events, rows: int, settings: ValidationSettings) -> UserFacts:
    """Counts shoppers by activity and finds bots and test accounts.

    Args:
        events: The log.
        rows: Number of its rows.
        settings: Bounds.
    """
    table = events.table.filter(events.table[schema.USER_ID].notnull())
    backend = table.get_backend()
    days = _store(backend, _days(table))
    users = _store(backend, _users(days))
    try:
        facts = _activity(users)
        bound = _bound(days, settings)
        findings = [*_bots(users, bound, rows, settings), *_tests(users, rows, settings), *_placeholders(users, rows)]
    finally:
        for stored in (days, users):
            backend.drop_table(stored.get_name(), force=True)
    return UserFacts(findings=findings, **facts)


def _days(table: Any) -> Any:
    """One row a shopper and day (UTC): events, events of interest, purchases, first row."""
    day = table[schema.TIMESTAMP].cast("date")
    interest = table[schema.EVENT_TYPE].isin([kind.value for kind in INTEREST_TYPES])
    bought = table[schema.EVENT_TYPE] == EventType.PURCHASE.value
    slim = table.select(ROW, user=table[schema.USER_ID], day=day, interest=interest, bought=bought)
    return slim.group_by(["user", "day"]).aggregate(
        events=slim.count().cast("int32"), interest=slim.interest.sum().cast("int32"),
        bought=slim.bought.sum().cast("int32"), row=slim[ROW].min(),
    )  # fmt: skip


def _users(days: Any) -> Any:
    return days.group_by("user").aggregate(
        events=days.events.sum(), interest=days.interest.sum(), bought=days.bought.sum(), days=days.day.count(),
        busiest=days.events.max(where=days.day.notnull()), row=days.row.min(),
    )  # fmt: skip


def _store(backend: Any, expression: Any) -> Any:
    from shopkeeper.data.sources import unique_name

    return backend.create_table(unique_name("validation"), expression, temp=True)


def _activity(users: Any) -> dict[str, Any]:
    steps = (1, 2, 3, 5)
    found = users.aggregate(
        users=users.count(), twice=(users.bought >= 2).sum(), days=(users.days >= 2).sum(),
        median=users.interest.median(where=users.interest > 0), **{f"n{n}": (users.interest >= n).sum() for n in steps},
    ).to_pyarrow().to_pylist()[0]  # fmt: skip
    return {
        "users": found["users"], "with_events": {n: found[f"n{n}"] or 0 for n in steps},
        "buying_twice": found["twice"] or 0, "on_two_days": found["days"] or 0,
        "median_events": float(found["median"] or 0),
    }  # fmt: skip


def _bound(days: Any, settings: ValidationSettings) -> float:
    """Events of a shopper in a day beyond which nobody is a person: robust, as in `prepare`."""
    known = days.filter(days.day.notnull())
    counts = known.group_by("events").aggregate(n=known.count()).order_by("events").to_pyarrow().to_pydict()
    if not counts["events"]:
        return float(settings.bot_events_a_day)
    times = np.asarray(counts["n"], dtype=np.float64)
    times = np.ceil(times * min(1.0, RATE_SAMPLE / times.sum())).astype(np.int64)
    upper = robust_bounds(np.repeat(np.asarray(counts["events"]), times), settings.deviations, 1.0).upper
    return max(float(settings.bot_events_a_day), upper)


def _bots(users: Any, bound: float, rows: int, settings: ValidationSettings) -> Iterator[Finding]:
    fast = users.filter(users.busiest > bound)
    found = fast.aggregate(n=fast.count(), events=fast.events.sum()).to_pyarrow().to_pylist()[0]
    if found["n"]:
        worst = (
            fast.order_by([fast.busiest.desc(), fast.user]).limit(max(1, settings.examples)).to_pyarrow().to_pylist()
        )
        yield Finding(
            "bots", Severity.WARNING, f"events of {found['n']} shoppers with more than {bound:.0f} events in one day",
            int(found["events"]), "prepare leaves bots out (prepare.bots); name a point-of-sale account to keep it",
            share=found["events"] / rows, rows=tuple(user["row"] for user in worst),
            details={"users": found["n"], "bound_events_a_day": bound,
                     "worst": [{"user_id": user["user"], "events_in_a_day": user["busiest"]} for user in worst]},
        )  # fmt: skip


def _tests(users: Any, rows: int, settings: ValidationSettings) -> Iterator[Finding]:
    if not users.user.type().is_string():
        return
    named = users.filter(users.user.lower().re_search(TEST_WORDS))
    found = named.aggregate(n=named.count(), events=named.events.sum()).to_pyarrow().to_pylist()[0]
    if found["n"]:
        first = (
            named.order_by([named.events.desc(), named.user]).limit(max(1, settings.examples)).to_pyarrow().to_pylist()
        )
        yield Finding(
            "test_users", Severity.WARNING, f"events of {found['n']} shoppers whose id names a test",
            int(found["events"]), "leave these accounts out at the source", share=found["events"] / rows,
            rows=tuple(user["row"] for user in first),
            details={"users": found["n"], "ids": [user["user"] for user in first]},
        )  # fmt: skip


def _placeholders(users: Any, rows: int) -> Iterator[Finding]:
    found = users.filter(users.user.cast("string").strip().lower().isin(PLACEHOLDERS)).order_by("user").to_pyarrow()
    if found.num_rows:
        columns = found.to_pydict()
        yield placeholder_finding("user", columns["user"], int(sum(columns["events"])), rows, columns["row"])

"""The log's clock: a change of time zone within the log, nights that lie at noon, times that are only days.

Shoppers sleep. The share of events by hour of the day is a profile that changes little from week to week, so a change
of the clock shows as the same profile turned by some hours. Every day of the log is tried as the day of the change:
the profile before it is compared with the one after it, turned by each number of hours. A change is told where the
profiles lie clearly apart as they stand (half the sum of absolute differences, more than chance makes it) and at most
half as far apart when turned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from shopkeeper.data import schema
from shopkeeper.data.validation.findings import Finding, Severity
from shopkeeper.data.validation.rows import RowFacts, latest, moment
from shopkeeper.data.validation.settings import ValidationSettings
from shopkeeper.types import Float64Array, Int64Array

if TYPE_CHECKING:
    from shopkeeper.data.events import Events

HOURS: Final = 24
LEAST_DAYS: Final = 3
LEAST_EVENTS: Final = 500
LEAST_DISTANCE: Final = 0.05
NIGHT: Final = 6
"""Hours of the quiet stretch that is looked for."""
DAY_SECONDS: Final = 86_400


@dataclass(frozen=True)
class ClockFacts:
    """Activity in time.

    Attributes:
        days: Days with events, ascending.
        by_day: int64 [days]; events of each.
        by_hour: int64 [24]; events by hour of the day, UTC.
        findings: What is odd about the clock.
    """

    days: list[date]
    by_day: Int64Array
    by_hour: Int64Array
    findings: list[Finding]


def check_clock(events: Events, facts: RowFacts, settings: ValidationSettings) -> ClockFacts:
    """Counts events by day and hour, in one pass, and looks at the clock.

    Args:
        events: The log.
        facts: What the pass over the rows counted.
        settings: Bounds.
    """
    time = events.table[schema.TIMESTAMP]
    possible = (time >= moment(settings.earliest)) & (time <= moment(latest(settings)))
    hours = events.table.filter(possible).select(hour=time.truncate("h"))
    counted = hours.group_by("hour").aggregate(n=hours.count()).order_by("hour").to_pyarrow()
    seconds = counted.column("hour").cast("timestamp[s]").cast("int64").to_numpy()
    table = _by_day_and_hour(seconds, counted.column("n").to_numpy())
    numbers, by_hour = table
    days = [datetime.fromtimestamp(int(day) * DAY_SECONDS, tz=UTC).date() for day in numbers]
    with_time = int(by_hour.sum())
    findings = []
    if with_time and facts.at_midnight > with_time / 2:
        findings.append(_only_days(facts.at_midnight, facts.rows))
    else:
        findings += [*_change(days, by_hour, facts.rows), *_night(by_hour.sum(axis=0), facts.rows)]
    return ClockFacts(days, by_hour.sum(axis=1), by_hour.sum(axis=0), findings)


def _by_day_and_hour(seconds: Int64Array, counts: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Numbers of days since 1970, int64 [days], and events by hour, int64 [days, 24]."""
    days, place = np.unique(seconds // DAY_SECONDS, return_inverse=True)
    table = np.zeros((len(days), HOURS), dtype=np.int64)
    np.add.at(table, (place, seconds % DAY_SECONDS // 3600), counts)
    return days, table


def find_change(by_hour: Int64Array) -> tuple[int, int, float] | None:
    """The day at which the clock changed.

    Args:
        by_hour: int64 [days, 24]; events by day and hour.

    Returns:
        Place of the first day of the new clock, hours by which the profile moved (-11 to 12), and the distance of the
        profiles as they stand (0 to 1); None where nothing changed.
    """
    before = np.cumsum(by_hour, axis=0)[:-1].astype(np.float64)
    after = by_hour.sum(axis=0) - before
    n_before, n_after = before.sum(axis=1), after.sum(axis=1)
    enough = (n_before >= LEAST_EVENTS) & (n_after >= LEAST_EVENTS)
    enough[: LEAST_DAYS - 1] = False
    enough[len(enough) - LEAST_DAYS + 1 :] = False
    if not enough.any():
        return None
    before, after = before[enough] / n_before[enough, None], after[enough] / n_after[enough, None]
    shifts = np.arange(-11, 13)
    distance = np.stack([np.abs(np.roll(before, shift, axis=1) - after).sum(axis=1) / 2 for shift in shifts])
    standing = distance[11]
    chance = 3 * 0.4 * np.sqrt(HOURS) * np.sqrt(1 / n_before[enough] + 1 / n_after[enough])
    best = distance.min(axis=0)
    clear = (standing >= np.maximum(LEAST_DISTANCE, chance)) & (best <= standing / 2)
    if not clear.any():
        return None
    place = int(np.argmax(np.where(clear, standing - best, -1.0)))
    return int(np.flatnonzero(enough)[place]) + 1, int(shifts[distance[:, place].argmin()]), float(standing[place])


def quiet_hours(by_hour: Int64Array) -> int | None:
    """The hour (UTC) at which the quietest six hours begin; None where no stretch is clearly quieter than the rest."""
    total = by_hour.sum()
    stretch: Float64Array = np.array([np.roll(by_hour, -hour)[:NIGHT].sum() for hour in range(HOURS)], dtype=np.float64)
    if total < LEAST_EVENTS or stretch.min() > total * NIGHT / HOURS / 2:
        return None
    quiet = np.flatnonzero(stretch == stretch.min())
    return int(quiet[len(quiet) // 2])


def _change(days: list[date], by_hour: Int64Array, rows: int) -> Iterator[Finding]:
    change = find_change(by_hour) if len(days) > 2 * LEAST_DAYS else None
    if change is None:
        return
    place, hours, distance = change
    count = int(by_hour[place:].sum())
    summer = abs(hours) == 1
    remedy = (
        "one hour is daylight saving: read the log in its zone, --time-zone Europe/London"
        if summer
        else "did the export or the server's zone change? read the parts with their own --time-zone"
    )
    yield Finding(
        "clock_change", Severity.INFO if summer else Severity.WARNING,
        f"from {days[place]} on the daily rhythm lies {hours:+d} hours from before", count, remedy,
        share=count / rows, details={"day": days[place].isoformat(), "hours": hours, "distance": round(distance, 3)},
    )  # fmt: skip


def _night(by_hour: Int64Array, rows: int) -> Iterator[Finding]:
    start = quiet_hours(by_hour)
    if start is None or (start + NIGHT // 2) % HOURS in {21, 22, 23, *range(8)}:
        return
    end = (start + NIGHT) % HOURS
    yield Finding(
        "night_at_noon", Severity.INFO, f"the quietest hours are {start:02d} to {end:02d} UTC", int(by_hour.sum()),
        "the log's clock is not that of the shoppers: name their zone with --time-zone if hours of the day matter",
        share=float(by_hour.sum() / rows), details={"quiet_from_hour": start, "quiet_to_hour": end},
    )  # fmt: skip


def _only_days(count: int, rows: int) -> Finding:
    return Finding(
        "times_are_days", Severity.INFO, "the time is a day only: the order within it is the order of the rows", count,
        "export times with hours and minutes: the next item is hard to predict without an order", share=count / rows,
    )  # fmt: skip

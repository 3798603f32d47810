"""A planted change of the clock is found at its day with its hours; noise and growth are not taken for one."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.data.events import Events, EventsSettings
from shopkeeper.data.validation.clock import find_change, quiet_hours
from shopkeeper.data.validation.validate import validate

PROFILE = np.exp(-0.5 * ((np.arange(24) - 15) / 3.0) ** 2) + 0.02
PROFILE /= PROFILE.sum()


def activity(days=40, events=400, seed=0, profile=PROFILE):
    return np.random.default_rng(seed).multinomial(events, profile, size=days)


@pytest.mark.parametrize(
    ("hours", "day"), [(hours, day) for hours in (-8, -2, 3, 5, 11, 12) for day in (4, 20, 35)] + [(-1, 20), (1, 20)]
)
def test_a_planted_change_is_found_at_its_day(hours, day):
    by_hour = activity()
    by_hour[day:] = np.roll(by_hour[day:], hours, axis=1)
    found = find_change(by_hour)
    assert found is not None
    assert abs(found[0] - day) <= (1 if abs(hours) == 1 else 0)
    assert found[1] == hours


@pytest.mark.parametrize("seed", range(20))
def test_no_change_is_seen_in_noise(seed):
    assert find_change(activity(seed=seed)) is None
    assert find_change(activity(events=40, seed=seed)) is None


def test_growth_and_a_new_shape_are_no_change_of_the_clock():
    growing = np.concatenate([activity(20, 100), activity(20, 4000)])
    assert find_change(growing) is None
    wider = np.exp(-0.5 * ((np.arange(24) - 15) / 8.0) ** 2)
    assert find_change(np.concatenate([activity(20), activity(20, profile=wider / wider.sum())])) is None


def test_too_little_to_judge():
    assert find_change(activity(days=5)) is None
    assert find_change(activity(days=40, events=10)) is None
    assert find_change(np.zeros((0, 24), dtype=np.int64)) is None


def test_quiet_hours():
    assert quiet_hours(activity().sum(axis=0)) == 0
    assert quiet_hours(np.roll(activity().sum(axis=0), 9)) == 9
    assert quiet_hours(np.full(24, 1000)) is None
    assert quiet_hours(np.zeros(24, dtype=np.int64)) is None


def log_of(by_hour):
    times = [
        datetime(2024, 1, 1) + timedelta(days=day, hours=hour, seconds=n * 7)
        for day, row in enumerate(by_hour) for hour, count in enumerate(row) for n in range(count)
    ]  # fmt: skip
    columns = {"user_id": np.arange(len(times)) % 97, "item_id": np.arange(len(times)) % 89, "timestamp": times}
    return validate(Events.read(pa.table(columns), EventsSettings(event_type="view")))


def test_a_change_becomes_a_finding():
    by_hour = activity(days=20, events=200)
    by_hour[12:] = np.roll(by_hour[12:], 5, axis=1)
    finding = log_of(by_hour).finding("clock_change")
    assert finding.details["day"] == "2024-01-13"
    assert finding.details["hours"] == 5
    assert finding.count == 8 * 200


def test_a_night_at_noon_and_times_that_are_days_are_findings():
    report = log_of(np.roll(activity(days=8, events=200), 12, axis=1))
    assert report.finding("night_at_noon") is not None
    assert report.finding("clock_change") is None
    days = np.zeros((8, 24), dtype=np.int64)
    days[:, 0] = 1
    report = log_of(days)
    assert report.finding("times_are_days").count == 8
    assert report.activity["hours"][0] == 8

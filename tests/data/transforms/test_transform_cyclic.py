"""Moments on a circle, on the clock of a time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.config import build
from shopkeeper.data.transforms.cyclic import Cyclic, CyclicStep
from shopkeeper.errors import ConfigError, DataError


def circle(column: pa.Array, **options) -> np.ndarray:
    return Cyclic(CyclicStep(column="at", **options)).apply(column)


def moments(*texts: str) -> pa.Array:
    return pa.array([datetime.fromisoformat(text) for text in texts], pa.timestamp("us"))


def test_the_quarters_of_the_day():
    block = circle(
        moments("2024-03-01T00:00", "2024-03-01T06:00", "2024-03-01T12:00", "2024-03-01T18:00"), parts=("hour",)
    )
    np.testing.assert_allclose(block, [[0, 1], [1, 0], [0, -1], [-1, 0]], atol=1e-6)


def test_a_minute_before_midnight_is_near_midnight():
    before, after = circle(moments("2024-12-31T23:59", "2025-01-01T00:00"))
    np.testing.assert_allclose(before[[0, 1, 4, 5]], after[[0, 1, 4, 5]], atol=0.02)


def test_monday_begins_the_week():
    block = circle(moments("2024-01-01T12:00", "2024-01-07T00:00"), parts=("weekday",))  # a Monday, a Sunday
    angle = 2 * np.pi * 6 / 7
    np.testing.assert_allclose(block, [[0, 1], [np.sin(angle), np.cos(angle)]], atol=1e-6)


def test_a_leap_year_has_its_own_days():
    angle = np.arctan2(*circle(moments("2024-12-31T00:00", "2023-12-31T00:00"), parts=("day_of_year",)).T)
    np.testing.assert_allclose(angle, [-2 * np.pi / 366, -2 * np.pi / 365], rtol=1e-4)


def test_summer_time_is_known():
    block = circle(moments("2024-01-15T05:00", "2024-07-15T04:00"), parts=("hour",), timezone="Europe/Berlin")
    np.testing.assert_allclose(block, [[1, 0], [1, 0]], atol=1e-6)  # 6 o'clock both times


@given(st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)), st.sampled_from(["Asia/Shanghai", "America/New_York"]))
def test_it_reads_the_clock_that_python_reads(moment, zone):
    clock = moment.replace(tzinfo=UTC, microsecond=0).astimezone(ZoneInfo(zone))
    block = circle(pa.array([moment.replace(microsecond=0)], pa.timestamp("us")), timezone=zone)[0]
    seconds = clock.hour * 3600 + clock.minute * 60 + clock.second
    days = datetime(clock.year, 12, 31).timetuple().tm_yday
    shares = np.array([seconds / 86_400, clock.weekday() / 7, (clock.timetuple().tm_yday - 1) / days])
    expected = np.column_stack([np.sin(2 * np.pi * shares), np.cos(2 * np.pi * shares)]).ravel()
    np.testing.assert_allclose(block, expected, atol=1e-6)


def test_all_kinds_of_moments_are_read_alike():
    micros = 1_709_251_200_000_000  # 2024-03-01T00:00 UTC
    expected = circle(moments("2024-03-01T00:00"))
    for column in (
        pa.array([micros]),
        pa.array([micros // 1000], pa.timestamp("ms", "America/New_York")),
        pa.array([date(2024, 3, 1)]),
        pa.array([micros * 1000], pa.timestamp("ns")),
    ):
        np.testing.assert_array_equal(circle(column), expected)


def test_a_missing_moment_is_the_center_and_marked():
    transform = Cyclic(CyclicStep(column="at", parts=("hour",)))
    column = pa.array([0, None], pa.timestamp("us"))
    np.testing.assert_array_equal(transform.fit_apply(column), [[0, 1, 0], [0, 0, 1]])
    assert transform.names == ("at cyclic hour sin", "at cyclic hour cos", "at cyclic is missing")
    np.testing.assert_array_equal(transform.apply(pa.nulls(1)), [[0, 0, 1]])


def test_wrong_words_and_types_are_named():
    with pytest.raises(ConfigError, match="Europe/Berlin"):
        build(CyclicStep, {"column": "at", "timezone": "Mars/Olympus"})
    with pytest.raises(ConfigError, match="hour"):
        build(CyclicStep, {"column": "at", "parts": ["minute"]})
    with pytest.raises(DataError, match="timestamps, dates or Unix microseconds"):
        circle(pa.array(["2024-03-01"]))

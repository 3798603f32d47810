"""Of refusals one a second is written; all else is."""

from __future__ import annotations

import logging

import pytest

from shopkeeper.serving.logs import FIELDS, OneASecond


def record(message: str, level: int = logging.WARNING, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("shop", level, "file", 1, message, arguments, None)


def test_one_refusal_a_second_is_written_and_the_next_says_how_many_were_not(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("shopkeeper.serving.logs.time.monotonic", lambda: now)
    one = OneASecond()
    assert [one.filter(record("refused: %s", logging.WARNING, place)) for place in range(5)] == [True] + [False] * 4
    assert one.filter(record("another"))
    now = 101.5
    later = record("refused: %s", logging.WARNING, 5)
    assert one.filter(later)
    assert getattr(later, FIELDS) == {"left_out": 4}
    now = 103.0
    last = record("refused: %s", logging.WARNING, 6)
    assert one.filter(last)
    assert not hasattr(last, FIELDS)


def test_what_is_no_refusal_is_written_each_time() -> None:
    one = OneASecond()
    assert all(one.filter(record("request", logging.INFO)) for _ in range(5))
    faults = [record("failed", logging.ERROR) for _ in range(5)]
    for fault in faults:
        fault.exc_info = (ValueError, ValueError("x"), None)
    assert all(map(one.filter, faults))


@pytest.mark.parametrize(("status", "written"), [(200, 5), (422, 5), (401, 1), (429, 1), (503, 1)])
def test_of_requests_those_are_refusals_that_nobody_worked_on(status: int, written: int) -> None:
    one = OneASecond()
    requests = [record("request", logging.INFO) for _ in range(5)]
    for request in requests:
        setattr(request, FIELDS, {"status": status})
    assert sum(map(one.filter, requests)) == written

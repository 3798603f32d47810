"""What is kept of answers and traffic: written in the background, never lost by an outage, never after a deletion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shopkeeper.errors import StoreError
from shopkeeper.serving import recorder as module
from shopkeeper.serving.event_store.records import LATENCY_BOUNDS_MS, AnswerRecord, IdKinds
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.event_store.tables import answers, traffic
from shopkeeper.serving.recorder import Recorder
from shopkeeper.serving.traffic import Traffic
from waiting import until


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    opened = EventStore.open(tmp_path / "shop.db", IdKinds(False, False))
    yield opened
    opened.close()


def answer(name: str, user: str | None = "ann") -> AnswerRecord:
    return AnswerRecord(name, user, 1_700_000_000_000_000, None, "Model", ("a", "b"), ("Model", "Model"), 0)


def recorded(store: EventStore) -> list[str]:
    with store.reading() as connection:
        return sorted(connection.execute(answers.select().with_only_columns(answers.c.recommendation_id)).scalars())


def recorder_of(store: EventStore, dropped: list[int]) -> Recorder:
    return Recorder(store, Traffic("w1"), 0.02, dropped.append)


def test_what_is_waiting_is_written_in_the_end(store: EventStore) -> None:
    recorder = recorder_of(store, [])
    recorder.start()
    for place in range(600):
        recorder.record(answer(f"r{place:03d}"), 0)
    recorder.close()
    assert recorded(store) == [f"r{place:03d}" for place in range(600)]


def test_an_answer_to_a_shopper_who_was_forgotten_since_is_not_written(store: EventStore) -> None:
    recorder = recorder_of(store, [])
    recorder.record(answer("before"), 0)
    recorder.record(answer("of another", "bob"), 0)
    recorder.record(answer("of nobody", None), 0)
    store.delete_user("ann")
    recorder.record(answer("after"), store.position().deletions)
    recorder.flush()
    assert recorded(store) == ["after", "of another", "of nobody"]


def test_what_an_outage_keeps_back_is_written_after_it(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder, whole = recorder_of(store, []), store.add_answers

    def away(*_: object) -> None:
        raise StoreError("away")

    for place in range(300):
        recorder.record(answer(f"r{place:03d}"), 0)
    monkeypatch.setattr(store, "add_answers", away)
    with pytest.raises(StoreError):
        recorder.flush()
    monkeypatch.setattr(store, "add_answers", whole)
    recorder.flush()
    assert len(recorded(store)) == 300


def test_the_thread_outlives_what_nobody_expected(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder, whole = recorder_of(store, []), store.add_answers
    failures = iter([RuntimeError("nobody expected this")])

    def fails_once(answers: list[AnswerRecord], deletions: int | None = None) -> None:
        for failure in failures:
            raise failure
        whole(answers, deletions)

    monkeypatch.setattr(store, "add_answers", fails_once)
    recorder.record(answer("r1"), 0)
    recorder.start()
    until(lambda: recorded(store))
    recorder.close()
    assert recorded(store) == ["r1"]


def test_a_long_outage_gives_up_the_oldest(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    dropped: list[int] = []
    recorder = recorder_of(store, dropped)
    for place in range(5):
        recorder.record(answer(f"r{place}"), 0)
    recorder.flush()
    assert recorded(store) == ["r2", "r3", "r4"]
    assert sum(dropped) == 2


def test_traffic_is_summed_by_minute_and_route(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = Traffic("w1")
    recorder = Recorder(store, counts, 1, lambda _: None)
    moment = [120.0]
    monkeypatch.setattr("shopkeeper.serving.traffic.time.time", lambda: moment[0])
    counts.add("/events", 200, 0.0015)
    counts.add("/events", 503, 2.0)
    recorder.flush()
    counts.add("/events", 200, 0.001)
    moment[0] = 180.0
    counts.add("/items", 404, 0.03)
    monkeypatch.setattr(store, "add_traffic", _refuse)
    with pytest.raises(StoreError):
        recorder.flush()
    monkeypatch.undo()
    counts.put_back([])
    recorder.flush()
    with store.reading() as connection:
        rows = {(row.minute, row.route): row for row in connection.execute(traffic.select())}
    assert set(rows) == {(2, "/events"), (3, "/items")}
    events = rows[2, "/events"]
    assert (events.requests, events.errors, round(events.milliseconds, 3)) == (3, 1, 2002.5)
    buckets = [value for name, value in events._mapping.items() if name.startswith("bucket")]
    assert len(buckets) == len(LATENCY_BOUNDS_MS) + 1
    assert buckets[:2] == [1, 1]
    assert buckets[-1] == 1


def _refuse(*_: object) -> None:
    raise StoreError("away")

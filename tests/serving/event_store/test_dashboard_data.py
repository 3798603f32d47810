"""The figures of the dashboard against numbers counted by hand, on SQLite and on PostgreSQL."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from shopkeeper.data.schema import EventType
from shopkeeper.pipeline.card import Card, StorePosition, versions
from shopkeeper.serving import statistics
from shopkeeper.serving.event_store import rollups
from shopkeeper.serving.event_store import statistics as questions
from shopkeeper.serving.event_store.records import LATENCY_BOUNDS_MS, AnswerRecord, ShopEvent, TrafficMinute
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.recent_figures import RecentFigures
from shopkeeper.serving.statistics import ServedFacts, dashboard_data
from shopkeeper.types import Id

NOW = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
CARD = Card(
    model="SASRec", model_settings={}, pipeline={}, training_settings={}, split_settings={}, data={}, metrics=[],
    learning_curve=[], seed=1, seconds=2.0, created_at="2026-03-01T00:00:00+00:00", versions=versions(),
)  # fmt: skip
numbers = count()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine, all is counted before figures are shown."""
    monkeypatch.setattr(statistics, "CATCH_UP_SECONDS", 600.0)


def microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1e6)


def ago(**delta: float) -> int:
    return microseconds(NOW - timedelta(**delta))


def event(item: str, kind: EventType, when: int, recommendation: str | None = None) -> ShopEvent:
    return ShopEvent(f"e{next(numbers)}", "ann", item, kind, when, recommendation_id=recommendation)


def answer(name: str, when: int, items: str, placement: str | None = "home", fallback: int = 0) -> AnswerRecord:
    ids = tuple(items.split())
    return AnswerRecord(name, "ann", when, placement, "SASRec", ids, ("SASRec",) * len(ids), fallback)


def traffic(when: int, route: str, histogram: dict[int, int], errors: int = 0, worker: str = "w1") -> TrafficMinute:
    counts = tuple(histogram.get(bound, 0) for bound in (*LATENCY_BOUNDS_MS, 9999))
    return TrafficMinute(when // 60_000_000, worker, route, sum(counts), errors, 1.0, counts)


def data(store: EventStore, hours: float = 1, card: Card = CARD) -> dict[str, Any]:
    def title(item_id: Id) -> str | None:
        return {"a": "Apple"}.get(str(item_id))

    return dashboard_data(store, ServedFacts(card, "abc123", 40, title), hours, NOW.timestamp())


def in_steps(values: list[Any]) -> dict[int, Any]:
    """Steps before now and their value, where there is one."""
    return {len(values) - 1 - place: value for place, value in enumerate(values) if value}


def test_an_empty_store_has_all_parts(store: EventStore) -> None:
    found = data(store)
    assert found["step_minutes"] == 1
    assert found["times"][0] == "2026-03-02T11:00:00+00:00"
    assert found["times"][-1] == "2026-03-02T12:00:00+00:00"
    assert (found["from"], found["waiting"]) == ("2026-03-02T11:00:00+00:00", {"events": 0, "answers": 0})
    assert found["traffic"] == {"bound_ms": 1000, "routes": [], "unmatched": 0, "since": None}
    assert found["events"] == {"types": []}
    assert found["recommendations"]["total"] == dict.fromkeys(
        ("answers", "items", "fallback", "clicked", "carted", "purchased"), 0
    )
    assert found["recommendations"]["coverage"] == {"shown": 0, "catalog": 40}
    assert found["freshness"]["last_event"] is None
    assert found["freshness"]["events_not_in_bundle"] == 0
    assert found["bundle"]["card"]["model"] == "SASRec"


@pytest.mark.parametrize(("hours", "minutes", "steps"), [(1, 1, 61), (24, 30, 49), (168, 240, 43), (0.01, 1, 2)])
def test_steps_are_few_whatever_the_time(store: EventStore, hours: float, minutes: int, steps: int) -> None:
    found = data(store, hours)
    assert (found["step_minutes"], len(found["times"])) == (minutes, steps)


def test_traffic_is_summed_over_workers_and_minutes(store: EventStore) -> None:
    store.add_traffic([
        traffic(ago(), "/recommendations", {5: 8, 10: 2}),
        traffic(ago(), "/recommendations", {5: 2, 10: 8}, errors=1, worker="w2"),
        traffic(ago(minutes=7), "/recommendations", {1000: 1}),
        traffic(ago(minutes=7), "/events", {1: 3}),
        traffic(ago(hours=3), "/events", {1: 1000}),
        traffic(ago(), "/static/{path:path}", {1: 500}),
    ])  # fmt: skip
    recommendations, events = data(store)["traffic"]["routes"]
    assert recommendations["route"] == "/recommendations"
    assert in_steps(recommendations["requests"]) == {0: 20, 7: 1}
    assert in_steps(recommendations["errors"]) == {0: 1}
    assert in_steps(events["requests"]) == {7: 3}


def test_percentiles_lie_within_their_bucket(store: EventStore) -> None:
    store.add_traffic([traffic(ago(), "/r", {5: 10, 10: 10}), traffic(ago(minutes=2), "/r", {9999: 1, 2: 1})])
    (route,) = data(store)["traffic"]["routes"]
    assert in_steps(route["latency"]["p50"]) == {0: 5.0, 2: 2.0}
    assert in_steps(route["latency"]["p95"]) == {0: 9.5, 2: 1000.0}
    assert in_steps(route["latency"]["p99"]) == {0: pytest.approx(9.9), 2: 1000.0}
    assert route["whole"] == {"p50": pytest.approx(5.0), "p95": pytest.approx(9.95), "p99": 1000.0}


def test_rare_routes_are_one_line(store: EventStore) -> None:
    store.add_traffic([traffic(ago(minutes=place % 2), f"/{place}", {1: 20 - place}) for place in range(10)])
    routes = data(store)["traffic"]["routes"]
    assert [route["route"] for route in routes] == [f"/{place}" for place in range(5)] + ["other"]
    assert in_steps(routes[-1]["requests"]) == {0: 14 + 12, 1: 15 + 13 + 11}
    assert in_steps(routes[-1]["latency"]["p50"]) == {0: 0.5, 1: 0.5}


def test_events_are_counted_by_type_and_time(store: EventStore) -> None:
    store.add([
        *(event("a", EventType.VIEW, ago(minutes=3)) for _ in range(4)),
        event("a", EventType.PURCHASE, ago(seconds=5)),
        event("b", EventType.VIEW, ago(minutes=59)),
        event("b", EventType.VIEW, ago(minutes=70)),
    ])  # fmt: skip
    types = {each["event_type"]: in_steps(each["counts"]) for each in data(store)["events"]["types"]}
    assert types == {"view": {3: 4, 59: 1}, "purchase": {0: 1}}
    assert data(store)["freshness"]["last_event"] == "2026-03-02T12:00:25+00:00"
    day = {each["event_type"]: in_steps(each["counts"]) for each in data(store, 24)["events"]["types"]}
    assert day == {"view": {1: 4, 2: 1, 3: 1}, "purchase": {0: 1}}


def test_a_click_counts_where_it_names_the_answer_and_an_item_of_it(store: EventStore) -> None:
    store.add_answers([
        answer("r1", ago(minutes=1), "a b c", fallback=1),
        answer("r2", ago(minutes=1), "a d"),
        answer("r3", ago(minutes=9), "a b", placement="mail"),
        answer("r4", ago(minutes=9), "e", placement=None, fallback=1),
        answer("old", ago(hours=5), "a b"),
    ])  # fmt: skip
    store.add([
        event("a", EventType.VIEW, ago(seconds=50), "r1"),
        event("a", EventType.VIEW, ago(seconds=40), "r1"),
        event("b", EventType.LIKE, ago(seconds=30), "r1"),
        event("z", EventType.VIEW, ago(seconds=30), "r2"),
        event("a", EventType.IMPRESSION, ago(seconds=30), "r2"),
        event("a", EventType.VIEW, ago(seconds=30), "unheard of"),
        event("b", EventType.CART, ago(minutes=8), "r3"),
        event("b", EventType.PURCHASE, ago(minutes=7), "r3"),
        event("e", EventType.CART, ago(minutes=7), "r4"),
        event("a", EventType.PURCHASE, ago(minutes=7), "old"),
    ])  # fmt: skip
    found = data(store)["recommendations"]
    assert found["total"] == {"answers": 4, "items": 8, "fallback": 2, "clicked": 3, "carted": 2, "purchased": 1}
    assert found["placements"] == [
        {"placement": "home", "answers": 2, "items": 5, "fallback": 1, "clicked": 1, "carted": 0, "purchased": 0},
        {"placement": None, "answers": 1, "items": 1, "fallback": 1, "clicked": 1, "carted": 1, "purchased": 0},
        {"placement": "mail", "answers": 1, "items": 2, "fallback": 0, "clicked": 1, "carted": 1, "purchased": 1},
    ]
    assert in_steps(found["steps"]["answers"]) == {1: 2, 9: 2}
    assert in_steps(found["steps"]["clicked"]) == {1: 1, 9: 2}
    assert in_steps(found["steps"]["purchased"]) == {9: 1}
    assert found["coverage"] == {"shown": 5, "catalog": 40}
    assert found["most"][0] == {"item_id": "a", "title": "Apple", "answers": 3, "clicked": 1}
    assert found["most"][1] == {"item_id": "b", "title": None, "answers": 2, "clicked": 2}


def test_events_that_the_bundle_does_not_know(store: EventStore) -> None:
    sequences = store.add([event("a", EventType.VIEW, ago(minutes=place)) for place in range(5)])
    assert data(store)["freshness"]["events_not_in_bundle"] == 5
    seen = StorePosition(store_id=store.store_id, sequence=sequences[2] or 0)
    assert data(store, card=CARD.replace(store=seen))["freshness"]["events_not_in_bundle"] == 2
    elsewhere = StorePosition(store_id="another", sequence=sequences[2] or 0)
    assert data(store, card=CARD.replace(store=elsewhere))["freshness"]["events_not_in_bundle"] == 5


def test_what_waits_to_be_counted_is_told(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add([event("a", EventType.VIEW, ago(minutes=place)) for place in range(10)])
    store.add_answers([answer(f"r{place}", ago(minutes=place), "a") for place in range(10)])
    monkeypatch.setattr(rollups, "EVENTS_AT_ONCE", 4)
    monkeypatch.setattr(rollups, "ANSWERS_AT_ONCE", 3)
    monkeypatch.setattr(statistics, "CATCH_UP_SECONDS", -1.0)
    assert data(store)["waiting"] == {"events": 10, "answers": 10}
    with store.writing() as connection:
        store.rollups.count_events(connection)
        store.rollups.count_answers(connection)
    found = data(store)
    assert found["waiting"] == {"events": 6, "answers": 7}
    assert sum(map(sum, (each["counts"] for each in found["events"]["types"]))) == 4
    assert found["recommendations"]["total"]["answers"] == found["recommendations"]["most"][0]["answers"] == 3
    monkeypatch.setattr(statistics, "CATCH_UP_SECONDS", 60.0)
    assert data(store)["waiting"] == {"events": 0, "answers": 0}
    assert data(store)["recommendations"]["total"]["answers"] == 10


def test_events_after_the_bundle_are_counted_to_a_number(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add([event("a", EventType.VIEW, ago(minutes=place)) for place in range(10)])
    monkeypatch.setattr(questions, "MAX_EVENTS", 4)
    freshness = data(store)["freshness"]
    assert freshness["events_not_in_bundle"] == freshness["counted_to"] == 4


def test_answers_that_were_deleted_are_told(store: EventStore) -> None:
    store.add_answers([answer(f"r{hours}", ago(hours=hours), "a") for hours in range(5)])
    assert data(store, 6)["recommendations"]["since"] is None
    store.prune_answers(ago(hours=3))
    found = data(store, 6)
    assert found["recommendations"]["since"] == found["traffic"]["since"] == "2026-03-02T09:00:30+00:00"
    assert found["recommendations"]["total"]["answers"] == 4
    assert data(store, 1)["recommendations"]["since"] is None


def test_the_pages_themselves_and_addresses_that_are_not_there_are_no_routes(store: EventStore) -> None:
    own = ("/", "/dashboard", "/dashboard/data", "/static/{path:path}")
    store.add_traffic([traffic(ago(), route, {1: 500}) for route in (*own, "(none)", "(unmatched)")])
    found = data(store)["traffic"]
    assert (found["routes"], found["unmatched"]) == ([], 500)


@pytest.mark.parametrize("address", ["sqlite"], indirect=True)
def test_no_refresh_reads_a_table_from_end_to_end(store: EventStore) -> None:
    asked: list[tuple[str, Any]] = []
    with store.reading() as connection:
        engine = connection.engine
    from sqlalchemy import event as hook

    hook.listen(engine, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
    data(store)
    queries = [(query, values) for query, values in asked if query.startswith("SELECT")]
    assert len(queries) > 5
    with store.reading() as connection:
        for query, values in queries:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)
            steps = [row[3] for row in plan]
            whole = re.compile(r"SCAN (events|a|responses|traffic|traffic_hours|\w+_counts)\b(?! USING COVERING INDEX)")
            assert not [step for step in steps if whole.match(step)], steps


def test_figures_are_kept_for_twenty_times_what_they_cost(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("shopkeeper.serving.recent_figures.time.monotonic", lambda: clock[0])
    made: list[float] = []

    def costly(_: EventStore, facts: ServedFacts, hours: float) -> dict[str, Any]:
        clock[0] += 0.1
        made.append(hours)
        return {"bundle": facts.bundle, "number": len(made)}

    monkeypatch.setattr("shopkeeper.serving.recent_figures.dashboard_data", costly)
    facts = ServedFacts(CARD, "one", 40, lambda _: None)
    figures = RecentFigures(store)
    assert figures.data(facts, 24)["number"] == 1
    clock[0] += 1.9
    assert figures.data(facts, 24)["number"] == 1
    assert figures.data(facts, 1)["number"] == 2
    clock[0] += 0.2
    assert figures.data(facts, 24)["number"] == 3
    assert figures.data(ServedFacts(CARD, "two", 40, lambda _: None), 24) == {"bundle": "two", "number": 4}
    for hours in range(100, 120):
        figures.data(facts, hours)
    assert figures.data(facts, 24)["number"] == 25

"""Roll-ups against a count of the raw rows, whatever happens to a store: late, doubled and deleted rows, restarts."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, text

from shopkeeper.data.schema import EventType
from shopkeeper.pipeline.card import Card, versions
from shopkeeper.serving.event_store import rollups, tables
from shopkeeper.serving.event_store.records import AnswerRecord, IdKinds, ShopEvent, TrafficMinute
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.statistics import ServedFacts, dashboard_data
from shopkeeper.serving.steps import Steps

NOW = 1_772_452_830.0
MINUTE = 60_000_000
CARD = Card(
    model="SASRec", model_settings={}, pipeline={}, training_settings={}, split_settings={}, data={}, metrics=[],
    learning_curve=[], seed=1, seconds=2.0, created_at="2026-03-01T00:00:00+00:00", versions=versions(),
)  # fmt: skip
KINDS = IdKinds(user_integer=False, item_integer=False)
TYPES = tuple(EventType)
INTEREST = {"view": 1, "like": 1, "cart": 2, "purchase": 3}
SUMS = ("answers", "items", "fallback", "clicked", "carted", "purchased")
ROLLUPS = ("event_counts", "answer_counts", "item_counts", "responses", "touched", "traffic_hours")


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine, all is counted before figures are shown."""
    monkeypatch.setattr("shopkeeper.serving.statistics.CATCH_UP_SECONDS", 600.0)


def raw_figures(connection: Connection, steps: Steps) -> dict[str, Any]:
    """The figures of the dashboard, each counted row by row."""
    events = Counter[tuple[str, int]]()
    named: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in connection.execute(tables.events.select()):
        if steps.first <= (step := row.timestamp // (steps.minutes * MINUTE)) <= steps.last:
            events[row.event_type, step - steps.first] += 1
        if row.recommendation_id and row.event_type in INTEREST:
            of_answer = named[row.recommendation_id]
            of_answer[row.item_id] = max(of_answer[row.item_id], INTEREST[row.event_type])
    total = Counter[str]()
    by_placement: dict[str | None, Counter[str]] = defaultdict(Counter)
    by_model: dict[str, Counter[str]] = defaultdict(Counter)
    by_step: dict[int, Counter[str]] = defaultdict(Counter)
    shown, clicked = Counter[str](), Counter[str]()
    for row in connection.execute(tables.answers.select().where(tables.answers.c.timestamp >= steps.start)):
        items = json.loads(row.item_ids)
        levels = [named[row.recommendation_id].get(item, 0) for item in items]
        level = max(levels, default=0)
        shown.update(items)
        clicked.update(item for item, reached in zip(items, levels, strict=True) if reached)
        sums = dict(zip(SUMS, (1, len(items), row.fallback, level >= 1, level >= 2, level >= 3), strict=True))
        step = row.timestamp // (steps.minutes * MINUTE) - steps.first
        for one in (total, by_placement[row.placement], by_model[row.model], by_step[step]):
            one.update({name: int(value) for name, value in sums.items()})
    most = sorted(shown.items(), key=lambda pair: (-pair[1], pair[0]))[:10]
    return {
        "events": dict(events),
        "total": {name: total[name] for name in SUMS},
        "placements": {name: {each: sums[each] for each in SUMS} for name, sums in by_placement.items()},
        "models": {name: {each: sums[each] for each in SUMS} for name, sums in by_model.items()},
        "steps": {name: {step: sums[name] for step, sums in by_step.items() if sums[name]} for name in SUMS},
        "shown": len(shown),
        "most": [(item, count, clicked[item]) for item, count in most],
    }


def shown_figures(store: EventStore, hours: float) -> dict[str, Any]:
    """The same as the dashboard says them."""
    found = dashboard_data(store, ServedFacts(CARD, "abc123", 40, lambda _: None), hours, NOW)
    assert found["waiting"] == {"events": 0, "answers": 0}
    recommended = found["recommendations"]
    return {
        "events": {
            (each["event_type"], step): count
            for each in found["events"]["types"]
            for step, count in enumerate(each["counts"])
            if count
        },
        "total": recommended["total"],
        "placements": {each.pop("placement"): each for each in recommended["placements"]},
        "models": {each.pop("model"): each for each in recommended["models"]},
        "steps": {
            name: {step: value for step, value in enumerate(values) if value}
            for name, values in recommended["steps"].items()
        },
        "shown": recommended["coverage"]["shown"],
        "most": [(each["item_id"], each["answers"], each["clicked"]) for each in recommended["most"]],
    }


def check(store: EventStore) -> None:
    for hours in (0.5, 1, 7, 24, 168, 720):
        shown = shown_figures(store, hours)
        with store.reading() as connection:
            assert shown == raw_figures(connection, Steps.of(hours, NOW)), hours


class Shop:
    """Does to a store what a shop does, in any order."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.answers: list[AnswerRecord] = []
        self.waiting: list[AnswerRecord] = []
        self.n_events = 0

    def moment(self) -> int:
        """Mostly of late, sometimes long ago."""
        minutes = self.random.choice((30, 100, 3000, 50_000)) * self.random.random()
        return int((NOW * 1e6) - minutes * MINUTE)

    def answer(self, store: EventStore) -> None:
        """Makes answers; some are written later than the events that name them, some twice."""
        for _ in range(self.random.randrange(6)):
            items = tuple(self.random.sample([f"i{n}" for n in range(30)], self.random.randrange(6)))
            user, place = self.random.choice(["ann", "bob", "cy", None]), self.random.choice(["home", "mail", None])
            name, model = f"r{len(self.answers)}", self.random.choice(["SASRec", "EASE"])
            fallback = self.random.randrange(len(items) + 1)
            record = AnswerRecord(name, user, self.moment(), place, model, items, ("x",) * len(items), fallback)
            self.answers.append(record)
            self.waiting.append(record)
        written = [one for one in self.waiting if self.random.random() < 0.7]
        self.waiting = [one for one in self.waiting if one not in written]
        store.add_answers(written + written[:1])

    def act(self, store: EventStore) -> None:
        """Events, of which some name answers and some come twice."""
        events = [self.event() for _ in range(self.random.randrange(8))]
        store.add(events + events[:2])
        store.add(events[-2:])

    def event(self) -> ShopEvent:
        answer = self.random.choice([*self.answers, None])
        name = None if answer is None else answer.recommendation_id
        item = self.random.choice([*(answer.item_ids if answer else ()), "i1", "elsewhere"])
        self.n_events += 1
        user, kind = self.random.choice(["ann", "bob", "cy", "dee"]), self.random.choice(TYPES)
        return ShopEvent(f"e{self.n_events}", user, item, kind, self.moment(), recommendation_id=name)

    def count(self, store: EventStore) -> None:
        with store.writing() as connection:
            self.random.choice((store.rollups.count_events, store.rollups.count_answers))(connection)

    def count_all(self, store: EventStore) -> None:
        assert rollups.catch_up(store, 600)

    def forget(self, store: EventStore) -> None:
        store.delete_user(self.random.choice(["ann", "bob", "cy", "dee"]))

    def prune(self, store: EventStore) -> None:
        before = int(NOW * 1e6) - self.random.choice((3000, 20_000)) * MINUTE
        self.random.choice((store.prune_answers, store.prune_events))(before)


@pytest.mark.parametrize("seed", range(4))
def test_figures_are_those_of_the_rows_whatever_happens(
    address: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollups, "EVENTS_AT_ONCE", 7)
    monkeypatch.setattr(rollups, "ANSWERS_AT_ONCE", 5)
    monkeypatch.setattr("shopkeeper.serving.event_store.store.PRUNED_AT_ONCE", 3)
    shop, store = Shop(seed), EventStore.open(address, KINDS)
    steps: list[Callable[[EventStore], None]] = [shop.answer, shop.act, shop.act, shop.count, shop.count_all]
    for turn in range(60):
        shop.random.choice([shop.forget, shop.prune] if turn % 8 == 7 else steps)(store)
        if turn % 20 == 19:
            check(store)
            store.close()
            store = EventStore.open(address, KINDS)
    with store.reading() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM touched")).scalar() == 0
    store.close()


def fill(store: EventStore, seed: int = 11) -> None:
    shop = Shop(seed)
    for _ in range(12):
        shop.answer(store)
        shop.act(store)
    minute = int(NOW) // 60
    store.add_traffic([TrafficMinute(minute - 90 * n, "w", "/events", 3, 1, 4.5, (3, *[0] * 10)) for n in range(40)])


def test_a_store_of_the_version_before_is_brought_up_to_date(address: str) -> None:
    store = EventStore.open(address, KINDS)
    fill(store)
    expected = shown_figures(store, 168)
    with store.writing() as connection:
        for name in ROLLUPS:
            connection.execute(text(f"DROP TABLE {name}"))
        connection.execute(text("DROP INDEX answers_uncounted"))
        connection.execute(text("DROP TABLE marks"))
        columns = [("store", name) for name in ("counted_sequence", "pruned_before", "pruned_sequence", "epoch")]
        for table, column in (("answers", "level"), *columns):
            connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        connection.execute(text("UPDATE store SET version = 1"))
    store.close()
    again = EventStore.open(address)
    assert shown_figures(again, 168) == expected
    check(again)
    hours = dashboard_data(again, ServedFacts(CARD, "abc123", 40, lambda _: None), 168, NOW)["traffic"]["routes"]
    assert [sum(route["requests"]) for route in hours] == [120]
    again.close()


def test_sums_that_went_wrong_are_made_anew(store: EventStore) -> None:
    fill(store)
    check(store)
    with store.writing() as connection:
        for name in ("event_counts", "answer_counts", "item_counts", "responses"):
            connection.execute(text(f"DELETE FROM {name}"))
    with pytest.raises(AssertionError):
        check(store)
    with store.writing() as connection:
        rollups.reset(connection)
    check(store)


def test_workers_that_count_at_once_count_once(store: EventStore, address: str) -> None:
    fill(store)
    stores = [EventStore.open(address, KINDS) for _ in range(4)]
    with ThreadPoolExecutor(len(stores)) as pool:
        assert all(pool.map(lambda each: rollups.catch_up(each, 60), stores))
    check(store)
    for each in stores:
        each.close()

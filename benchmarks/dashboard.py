"""The dashboard on a large store: are its figures those of SQL over the raw rows, how fast does it open?

A made-up shop's events and answers of a month are written into an event store: lists of ten items, each shown, some
clicked, put in the cart and bought, and as many events without a list. Then

- the store is counted as one of the version before would be when it is opened: events a second;
- `dashboard_data` for an hour, a day, a week and the month is compared with plain SQL over events and answers, with no
  roll-up read: the figures must be equal, and both are timed;
- a user is forgotten, answers are purged, late events come, and all is compared again;
- events are added 50 at a time without and with a thread that counts every second beside them, in turns.

PostgreSQL: the server in SHOPKEEPER_TEST_POSTGRES where it is set.

    python benchmarks/dashboard.py --events 1000000 --json OUT
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
from sqlalchemy import Connection, insert, text

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from shopkeeper.data.schema import EventType
from shopkeeper.pipeline.card import Card, versions
from shopkeeper.serving.event_store import tables
from shopkeeper.serving.event_store.records import IdKinds, ShopEvent
from shopkeeper.serving.event_store.rollups import catch_up, counted_sequence
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.statistics import ServedFacts, dashboard_data
from shopkeeper.serving.steps import MINUTE, Steps

DAYS, LIST, ITEMS, USERS = 30, 10, 10_000, 50_000
HOURS = (1, 24, 168, 720)
PAGE = 100_000
CARD = Card(
    model="SASRec", model_settings={}, pipeline={}, training_settings={}, split_settings={}, data={}, metrics=[],
    learning_curve=[], seed=1, seconds=2.0, created_at="2026-03-01T00:00:00+00:00", versions=versions(),
)  # fmt: skip
FACTS = ServedFacts(CARD, "made-up", ITEMS, lambda _: None)
KINDS = IdKinds(user_integer=False, item_integer=True)
LEVEL = "CASE event_type WHEN 'view' THEN 1 WHEN 'like' THEN 1 WHEN 'cart' THEN 2 WHEN 'purchase' THEN 3 END"
NAMED = f"""named AS (SELECT recommendation_id, item_id, MAX({LEVEL}) AS level FROM events
    WHERE recommendation_id IS NOT NULL AND event_type IN ('view', 'like', 'cart', 'purchase') GROUP BY 1, 2)"""
SHOWN = """shown AS (SELECT a.recommendation_id, a.timestamp, a.placement, a.model, a.n_items, a.fallback,
    j.value AS item_id, n.level FROM answers a CROSS JOIN {items}
    LEFT JOIN named n ON n.recommendation_id = a.recommendation_id AND n.item_id = CAST(j.value AS TEXT)
    WHERE a.timestamp >= :start)"""
ANSWERS = """answered AS (SELECT recommendation_id, MIN(timestamp) AS timestamp, MIN(placement) AS placement,
    MIN(model) AS model, MIN(n_items) AS n_items, MIN(fallback) AS fallback, COALESCE(MAX(level), 0) AS level
    FROM shown GROUP BY 1)"""


def raw_figures(connection: Connection, steps: Steps, items: str) -> dict[str, Any]:
    """The figures of the dashboard by plain SQL over events and answers."""
    bounds = {"start": steps.start, "length": steps.minutes * MINUTE}
    events = "SELECT timestamp / :length, event_type, COUNT(*) FROM events WHERE timestamp >= :start GROUP BY 1, 2"
    begin = f"WITH {NAMED}, {SHOWN.format(items=items)}, {ANSWERS} "
    outcome = """SELECT timestamp / :length, placement, model, COUNT(*), SUM(n_items), SUM(fallback),
        SUM(CASE WHEN level >= 1 THEN 1 ELSE 0 END), SUM(CASE WHEN level >= 2 THEN 1 ELSE 0 END),
        SUM(CASE WHEN level >= 3 THEN 1 ELSE 0 END) FROM answered GROUP BY 1, 2, 3"""
    shown = "SELECT CAST(item_id AS TEXT), COUNT(*), COUNT(level) FROM shown GROUP BY 1"
    counts = {(row[1], row[0] - steps.first): row[2] for row in connection.execute(text(events), bounds)}
    rows = connection.execute(text(begin + outcome), bounds).fetchall()
    found = connection.execute(text(begin + shown), {"start": steps.start}).fetchall()
    sums = {tuple(row[:3]): [int(value) for value in row[3:]] for row in rows}
    most = sorted(((int(row[0]), row[1], row[2]) for row in found), key=lambda row: (-row[1], str(row[0])))[:10]
    return {
        "events": {key: count for key, count in counts.items() if key[1] <= steps.last - steps.first},
        "total": np.sum([[0] * 6, *sums.values()], axis=0).tolist(),
        "placements": _by(sums, 1),
        "models": _by(sums, 2),
        "steps": {step - steps.first: values for step, values in _by(sums, 0).items()},
        "shown": len(found),
        "most": most,
    }


def _by(sums: dict[tuple[Any, ...], list[int]], place: int) -> dict[Any, list[int]]:
    keys = {key[place] for key in sums}
    return {one: np.sum([values for key, values in sums.items() if key[place] == one], axis=0).tolist() for one in keys}


def shown_figures(data: dict[str, Any]) -> dict[str, Any]:
    """The same as the dashboard says them."""
    recommended = data["recommendations"]
    by_step = np.array(list(recommended["steps"].values())).T.tolist()
    return {
        "events": {
            (each["event_type"], step): count
            for each in data["events"]["types"]
            for step, count in enumerate(each["counts"])
            if count
        },
        "total": list(recommended["total"].values()),
        "placements": {each.pop("placement"): list(each.values()) for each in recommended["placements"]},
        "models": {each.pop("model"): list(each.values()) for each in recommended["models"]},
        "steps": {step: values for step, values in enumerate(by_step) if values[0]},
        "shown": recommended["coverage"]["shown"],
        "most": [(each["item_id"], each["answers"], each["clicked"]) for each in recommended["most"]],
    }


def fill(store: EventStore, n_events: int, now: float, seed: int = 5) -> None:
    """Writes a month of events and answers straight into the tables, in pages."""
    random, written = np.random.default_rng(seed), 0
    popularity = 1 / np.arange(1, ITEMS + 1)
    popularity /= popularity.sum()
    while written < n_events:
        n_lists = -(-min(PAGE, n_events - written) // (2 * LIST))
        begin = (now - random.random(n_lists) * DAYS * 86_400) * 1e6
        lists = random.choice(ITEMS, (n_lists, LIST), p=popularity)
        answers, events = [], []
        for moment, drawn in zip(begin.astype(np.int64).tolist(), lists.tolist(), strict=True):
            items = list(dict.fromkeys(drawn))
            name, user = uuid.uuid4().hex, f"u{random.integers(USERS)}"
            answers.append(_answer(name, user, moment, items, random))
            events += _events(name, user, moment, items, random)
        with store.writing() as connection:
            connection.execute(insert(tables.answers), answers)
            connection.execute(insert(tables.events), events)
        written += len(events)


def _answer(name: str, user: str, moment: int, items: list[int], random: np.random.Generator) -> dict[str, Any]:
    place, model = ("home", "mail", "product")[random.integers(3)], ("SASRec", "EASE")[random.integers(2)]
    return {
        "recommendation_id": name, "user_id": user, "timestamp": moment, "placement": place, "model": model,
        "item_ids": json.dumps(items), "sources": json.dumps([model] * len(items)), "n_items": len(items),
        "fallback": int(random.integers(3)),
    }  # fmt: skip


def _events(name: str, user: str, moment: int, items: list[int], random: np.random.Generator) -> list[dict[str, Any]]:
    rows: list[tuple[str, int, str | None]] = [("impression", item, name) for item in items]
    for kind, share in (("view", 0.4), ("cart", 0.1), ("purchase", 0.05)):
        rows += [(kind, items[random.integers(len(items))], name)] if random.random() < share else []
    rows += [(("view", "like")[random.integers(2)], int(random.integers(ITEMS)), None) for _ in items]
    return [
        {"event_id": uuid.uuid4().hex, "user_id": user, "item_id": str(item), "event_type": kind,
         "timestamp": moment + 1_000_000 * place, "recommendation_id": of}
        for place, (kind, item, of) in enumerate(rows)
    ]  # fmt: skip


def compare(store: EventStore, now: float) -> list[dict[str, Any]]:
    """Both ways to the figures, for each length of time."""
    catch_up(store, 1e9)
    rows = []
    for hours in HOURS:
        begin = time.perf_counter()
        data = dashboard_data(store, FACTS, hours, now)
        seconds = time.perf_counter() - begin
        with store.reading() as connection:
            begin = time.perf_counter()
            raw = raw_figures(connection, Steps.of(hours, now), store.rollups.items_of_answer)
            raw_seconds = time.perf_counter() - begin
        shown = shown_figures(data)
        row = {
            "hours": hours,
            "answers": shown["total"][0],
            "clicked": shown["total"][3],
            "equal": shown == raw and not any(data["waiting"].values()),
        }
        rows.append({**row, "seconds": round(seconds, 3), "raw_seconds": round(raw_seconds, 3)})
        print("  ", rows[-1], flush=True)
    return rows


def change(store: EventStore, now: float) -> None:
    """What must change the figures: a shopper goes, old answers go, clicks come late."""
    with store.reading() as connection:
        query = "SELECT recommendation_id, user_id, item_ids FROM answers ORDER BY timestamp DESC LIMIT 3000"
        rows = connection.execute(text(query)).fetchall()
    for row in rows[:20]:
        store.delete_user(row.user_id)
    late = [
        ShopEvent(uuid.uuid4().hex, "late", json.loads(row.item_ids)[0], EventType.VIEW, int(now * 1e6),
                  recommendation_id=row.recommendation_id)
        for row in rows[100:]
    ]  # fmt: skip
    store.add(late + late[:50])
    for _ in range(5):
        store.prune_answers(int((now - 29 * 86_400) * 1e6))


def speed_of_adding(store: EventStore, counting: bool, n: int = 20_000) -> float:
    """Events a second, 50 in a request, that tell of no time but now."""
    now = time.time_ns() // 1000
    events = [ShopEvent(uuid.uuid4().hex, f"u{place % 999}", place % ITEMS, EventType.VIEW, now) for place in range(n)]
    with _counted(store) if counting else _left():
        begin = time.perf_counter()
        for place in range(0, n, 50):
            store.add(events[place : place + 50])
        return n / (time.perf_counter() - begin)


@contextmanager
def _left() -> Iterator[None]:
    yield


@contextmanager
def _counted(store: EventStore) -> Iterator[None]:
    stop = Event()

    def work() -> None:
        while not stop.wait(1.0):
            catch_up(store, 0.3)

    thread = Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


def measure(url: str, n_events: int, turns: int) -> dict[str, Any]:
    """All figures of one database."""
    store, now = EventStore.open(url, KINDS), float(int(time.time()))
    begin = time.perf_counter()
    fill(store, n_events, now)
    print(f"{store.name}: filled in {time.perf_counter() - begin:.0f} s", flush=True)
    begin = time.perf_counter()
    catch_up(store, 1e9)
    counted = time.perf_counter() - begin
    with store.reading() as connection:
        last = counted_sequence(connection)
    print(f"  {last} events counted in {counted:.1f} s", flush=True)
    result: dict[str, Any] = {"events": last, "counted_seconds": round(counted, 1), "windows": compare(store, now)}
    change(store, now)
    result["after_changes"] = compare(store, now)
    adding: dict[str, list[int]] = {"without": [], "with": []}
    for _ in range(turns):
        for name, speeds in adding.items():
            speeds.append(round(speed_of_adding(store, name == "with")))
            catch_up(store, 1e9)
    print("  events added a second:", adding, flush=True)
    store.close()
    return {**result, "added_a_second": adding}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    words = f"python benchmarks/dashboard.py --events {options.events} --turns {options.turns}"
    found: dict[str, Any] = {"command": words, "versions": versions()}
    with tempfile.TemporaryDirectory() as folder:
        found["SQLite"] = measure(f"sqlite:///{folder}/shop.db", options.events, options.turns)
    if server := os.environ.get("SHOPKEEPER_TEST_POSTGRES"):
        found["PostgreSQL"] = measure(_fresh(server), options.events, options.turns)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _fresh(server: str) -> str:
    import psycopg

    name = f"dashboard_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return f"{server.rsplit('/', 1)[0]}/{name}"


if __name__ == "__main__":
    main()

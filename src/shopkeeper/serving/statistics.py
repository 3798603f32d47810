"""What the dashboard shows: figures of the event store and of what is being served, as plain JSON."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from shopkeeper.data.schema import EVENT_TYPES
from shopkeeper.pipeline.card import Card
from shopkeeper.serving.event_store import statistics as questions
from shopkeeper.serving.event_store.records import LATENCY_BOUNDS_MS
from shopkeeper.serving.event_store.rollups import backlog_of, catch_up, pruned_before
from shopkeeper.serving.event_store.statistics import SUMS, OutcomeStep, TrafficStep
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.latency import percentile
from shopkeeper.serving.observe import UNMATCHED
from shopkeeper.serving.pages import FILES_ROUTE, PAGES
from shopkeeper.serving.steps import Steps, iso
from shopkeeper.types import Id

N_ROUTES: Final = 5
"""Routes with a line of their own; the rest are one line."""
OTHER_ROUTES: Final = "other"
DATA_ROUTE: Final = "/dashboard/data"
OF_PAGES: Final = frozenset({FILES_ROUTE, DATA_ROUTE, *PAGES, "(none)"})
"""Routes of the pages themselves, which ask often and say little of the shop; stores of before have their files under
the last name, mixed with addresses that are not there."""
N_MOST: Final = 10
"""Length of the list of items that were recommended most."""
QUALITY: Final = ("hit_rate", "ndcg", "recall", "precision", "mrr", "map")
"""Metrics of the card that are shown, in this order."""
CATCH_UP_SECONDS: Final = 0.2
"""How long one refresh counts what came since the last; the rest is told as waiting."""
PERCENTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True)
class ServedFacts:
    """What the dashboard must know of the bundle that is being served.

    Attributes:
        card: The card of the bundle.
        bundle: Short hash that names it.
        n_items: Number of items that can be recommended.
        title: Gives the title of an item, or None where it has none or is unknown.
        model: Name of what answers, as the figures of the card call it.
    """

    card: Card
    bundle: str
    n_items: int
    title: Callable[[Id], str | None]
    model: str = ""


def dashboard_data(store: EventStore, facts: ServedFacts, hours: float, now: float | None = None) -> dict[str, Any]:
    """All that one refresh of the dashboard needs.

    Args:
        store: Where events, answers and traffic are.
        facts: What is being served.
        hours: How far back.
        now: The present moment in Unix seconds; None asks the clock.

    Returns:
        Plain JSON: `now`, `from` (beginning of the first step: nothing earlier is counted), `hours`, `step_minutes`,
        `times` (beginning of each step of the plots), `waiting` (`events` and `answers` that are not counted yet) and a
        part for each function below.

    Raises:
        StoreError: The store does not answer.
    """
    now = time.time() if now is None else now
    steps = Steps.of(hours, now)
    catch_up(store, CATCH_UP_SECONDS)
    with store.reading() as connection:
        return {
            "now": iso(now * 1e6),
            "from": iso(steps.start),
            "hours": hours,
            "step_minutes": steps.minutes,
            "times": steps.times(),
            "waiting": backlog_of(connection)._asdict(),
            "traffic": _traffic(connection, steps),
            "events": _events(connection, steps),
            "recommendations": _recommendations(store, connection, steps, facts),
            "freshness": _freshness(connection, store.store_id, facts.card),
            "bundle": {
                "bundle": facts.bundle,
                "items": facts.n_items,
                "card": facts.card.model_dump(mode="json"),
                "quality": _quality(facts),
            },
        }


def _traffic(connection: Connection, steps: Steps) -> dict[str, Any]:
    """What was asked of the service, by route; what the pages load for themselves is left out.

    Returns:
        `routes`, busiest first: `route`, `requests`, `errors` (one number a step), `latency` (lists of percentiles in
        milliseconds, null in a step without requests) and `whole` (the same over all steps); `bound_ms`: a percentile
        of that size means so much or more; `unmatched`: requests to addresses that are not there; `since`: where
        counting began, if earlier traffic was deleted.
    """
    by_route: dict[str, dict[int, TrafficStep]] = {}
    for row in questions.traffic_by_step(connection, steps.first, steps.minutes):
        if row.route not in OF_PAGES:
            by_route.setdefault(row.route, {})[row.step] = row
    unmatched = by_route.pop(UNMATCHED, {})
    busiest = sorted(by_route, key=lambda route: -sum(row.requests for row in by_route[route].values()))
    routes = {route: by_route[route] for route in busiest[:N_ROUTES]}
    if rest := busiest[N_ROUTES:]:
        routes[OTHER_ROUTES] = _joined(row for route in rest for row in by_route[route].values())
    return {
        "bound_ms": LATENCY_BOUNDS_MS[-1],
        "routes": [_route(route, by_step, steps) for route, by_step in routes.items()],
        "unmatched": sum(row.requests for row in unmatched.values()),
        "since": _since(connection, steps),
    }


def _joined(rows: Iterable[TrafficStep]) -> dict[int, TrafficStep]:
    """Several routes as one."""
    sums: dict[int, TrafficStep] = {}
    for row in rows:
        old = sums.get(row.step)
        sums[row.step] = row if old is None else TrafficStep(
            row.step, OTHER_ROUTES, old.requests + row.requests, old.errors + row.errors,
            _summed((old.histogram, row.histogram)),
        )  # fmt: skip
    return sums


def _summed(histograms: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*histograms, strict=True)))


def _route(route: str, by_step: dict[int, TrafficStep], steps: Steps) -> dict[str, Any]:
    def latency(share: float) -> list[float | None]:
        return steps.fill({step: percentile(row.histogram, share) for step, row in by_step.items()}, None)

    whole = _summed(row.histogram for row in by_step.values())
    return {
        "route": route,
        "requests": steps.fill({step: row.requests for step, row in by_step.items()}),
        "errors": steps.fill({step: row.errors for step, row in by_step.items()}),
        "latency": {name: latency(share) for name, share in PERCENTILES.items()},
        "whole": {name: percentile(whole, share) for name, share in PERCENTILES.items()},
    }


def _events(connection: Connection, steps: Steps) -> dict[str, Any]:
    """What shoppers did.

    Returns:
        `types`: `event_type` and its `counts` (one number a step).
    """
    counts: dict[str, dict[int, int]] = {}
    for step, event_type, count in questions.events_by_step(connection, steps.first, steps.minutes):
        counts.setdefault(event_type, {})[step] = count
    return {
        "types": [
            {"event_type": each.value, "counts": steps.fill(counts[each.value])}
            for each in EVENT_TYPES
            if each.value in counts
        ]
    }


def _recommendations(store: EventStore, connection: Connection, steps: Steps, facts: ServedFacts) -> dict[str, Any]:
    """What became of what was recommended.

    Returns:
        `total`, `placements`, `models` and `steps`: numbers of answers, of their items, of those from the fallback, and
        of the answers that were clicked, led to the cart and to a purchase; `coverage`: distinct items `shown` of those
        in the `catalog`; `most`: items recommended most; `since`: where counting began, if earlier ones were deleted.
    """
    rows = questions.outcomes_by_step(connection, steps.first, steps.minutes)
    by_step = _sums(rows, "step")
    most, shown = questions.most_shown_items(connection, steps.start, N_MOST, store.rollups)
    item_id: Callable[[str], Id] = int if store.kinds.item_integer else str
    return {
        "since": _since(connection, steps),
        "total": {name: sum(getattr(row, name) for row in rows) for name in SUMS},
        "placements": [{"placement": name or None} | sums for name, sums in _largest(_sums(rows, "placement"))],
        "models": [{"model": name} | sums for name, sums in _largest(_sums(rows, "model"))],
        "steps": {name: steps.fill({step: sums[name] for step, sums in by_step.items()}) for name in SUMS},
        "coverage": {"shown": shown, "catalog": facts.n_items},
        "most": [
            {"item_id": item_id(name), "title": facts.title(item_id(name)), "answers": answers, "clicked": clicked}
            for name, answers, clicked in most
        ],
    }


def _sums(rows: Iterable[OutcomeStep], key: str) -> dict[Any, dict[str, int]]:
    """Outcomes by one of their keys."""
    sums: dict[Any, dict[str, int]] = {}
    for row in rows:
        known = sums.setdefault(getattr(row, key), dict.fromkeys(SUMS, 0))
        for name in SUMS:
            known[name] += getattr(row, name)
    return sums


def _largest(sums: dict[str, dict[str, int]]) -> list[tuple[str, dict[str, int]]]:
    return sorted(sums.items(), key=lambda pair: (-pair[1]["answers"], pair[0]))


def _quality(facts: ServedFacts) -> dict[str, Any] | None:
    """What the bundle was worth on events that it had not seen: on the test part, or where there is none on another.

    Returns:
        `part`, `model`, `k`, `users` and `rows` (`metric`, `value`, `low`, `high`) of the list length nearest to ten;
        None where nothing was held out.
    """
    rows = [row for row in facts.card.metrics if not row.get("segment")]
    parts = {row["part"] for row in rows}
    part = next((name for name in ("test", "validation") if name in parts), max(parts, default=""))
    models = list(dict.fromkeys(row["model"] for row in rows if row["part"] == part))
    if not models:
        return None
    model = facts.model if facts.model in models else models[-1]
    rows = [row for row in rows if row["part"] == part and row["model"] == model and row["metric"] in QUALITY]
    if not rows:
        return None
    k = min((row["k"] for row in rows), key=lambda each: abs(each - 10))
    rows = sorted((row for row in rows if row["k"] == k), key=lambda row: QUALITY.index(row["metric"]))
    shown = [{name: row[name] for name in ("metric", "value", "low", "high")} for row in rows]
    return {"part": part, "model": model, "k": k, "users": rows[0]["n_users"], "rows": shown}


def _since(connection: Connection, steps: Steps) -> str | None:
    """Where answers and traffic begin, where older ones of the time asked about were deleted."""
    before = pruned_before(connection)
    return iso(before) if before > steps.start else None


def _freshness(connection: Connection, store_id: str, card: Card) -> dict[str, Any]:
    """How new everything is.

    Returns:
        `last_event`, `bundle_created`, `events_not_in_bundle`, and `counted_to`: where counting them ends.
    """
    known = card.store.sequence if card.store is not None and card.store.store_id == store_id else 0
    return {
        "last_event": _moment(questions.last_event(connection)),
        "bundle_created": card.created_at,
        "events_not_in_bundle": questions.events_after(connection, known),
        "counted_to": questions.MAX_EVENTS,
    }


def _moment(microseconds: int | None) -> str | None:
    return None if microseconds is None else iso(microseconds)

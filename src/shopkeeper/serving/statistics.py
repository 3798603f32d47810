"""What the dashboard shows: figures of the event store and of what is being served, as plain JSON."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from sqlalchemy import Connection

from shopkeeper.data.schema import EVENT_TYPES
from shopkeeper.pipeline.card import Card
from shopkeeper.serving.click_through import ClickThrough, Outcome
from shopkeeper.serving.event_store import statistics as questions
from shopkeeper.serving.event_store.records import LATENCY_BOUNDS_MS
from shopkeeper.serving.event_store.statistics import TrafficStep
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.latency import percentile
from shopkeeper.serving.pages import FILES_ROUTE
from shopkeeper.serving.steps import MINUTE, Steps, iso
from shopkeeper.types import Id

N_ROUTES: Final = 5
"""Routes with a line of their own; the rest are one line."""
OTHER_ROUTES: Final = "other"
PERCENTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True)
class ServedFacts:
    """What the dashboard must know of the bundle that is being served.

    Attributes:
        card: The card of the bundle.
        bundle: Short hash that names it.
        n_items: Number of items that can be recommended.
        title: Gives the title of an item, or None where it has none or is unknown.
    """

    card: Card
    bundle: str
    n_items: int
    title: Callable[[Id], str | None]


def dashboard_data(store: EventStore, facts: ServedFacts, hours: float, now: float | None = None) -> dict[str, Any]:
    """All that one refresh of the dashboard needs.

    Args:
        store: Where events, answers and traffic are.
        facts: What is being served.
        hours: How far back.
        now: The present moment in Unix seconds; None asks the clock.

    Returns:
        Plain JSON: `now`, `hours`, `step_minutes`, `times` (beginning of each step of the plots) and a part for each
        function below.

    Raises:
        StoreError: The store does not answer.
    """
    now = time.time() if now is None else now
    steps = Steps.of(hours, now)
    with store.reading() as connection:
        return {
            "now": iso(now * 1e6),
            "hours": hours,
            "step_minutes": steps.minutes,
            "times": steps.times(),
            "traffic": _traffic(questions.traffic_by_step(connection, steps.first, steps.minutes), steps),
            "events": _events(connection, steps),
            "recommendations": _recommendations(connection, steps, facts),
            "freshness": _freshness(connection, store.store_id, facts.card),
            "bundle": {"bundle": facts.bundle, "items": facts.n_items, "card": facts.card.model_dump(mode="json")},
        }


def _traffic(rows: Iterable[TrafficStep], steps: Steps) -> dict[str, Any]:
    """What was asked of the service, by route; files of the pages are left out, which are many and say little.

    Returns:
        `routes`, busiest first: `route`, `requests`, `errors` (one number a step), `latency` (lists of percentiles in
        milliseconds, null in a step without requests) and `whole` (the same over all steps); `bound_ms`: a percentile
        of that size means so much or more.
    """
    by_route: dict[str, dict[int, TrafficStep]] = {}
    for row in rows:
        if row.route != FILES_ROUTE:
            by_route.setdefault(row.route, {})[row.step] = row
    busiest = sorted(by_route, key=lambda route: -sum(row.requests for row in by_route[route].values()))
    routes = {route: by_route[route] for route in busiest[:N_ROUTES]}
    if rest := busiest[N_ROUTES:]:
        routes[OTHER_ROUTES] = _joined(row for route in rest for row in by_route[route].values())
    return {
        "bound_ms": LATENCY_BOUNDS_MS[-1],
        "routes": [_route(route, by_step, steps) for route, by_step in routes.items()],
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
        `types`: `event_type` and its `counts` (one number a step); `since`: where counting began, if later than the
        first step.
    """
    counts: dict[str, dict[int, int]] = {}
    for step, event_type, count in questions.events_by_step(connection, steps.start, steps.minutes * MINUTE):
        counts.setdefault(event_type, {})[step] = count
    return {
        "since": _moment(questions.counted_since(connection, steps.start)),
        "types": [
            {"event_type": each.value, "counts": steps.fill(counts[each.value])}
            for each in EVENT_TYPES
            if each.value in counts
        ],
    }


def _recommendations(connection: Connection, steps: Steps, facts: ServedFacts) -> dict[str, Any]:
    """What became of what was recommended.

    Returns:
        `total`, `placements` and `steps`: the numbers of `Outcome`; `coverage`: distinct items `shown` of those in the
        `catalog`; `most`: items recommended most; `since`: where counting began, if later than the first step.
    """
    answers = questions.answers_since(connection, steps.start)
    found = ClickThrough.of(answers, questions.responses_since(connection, steps.start), steps.minutes * MINUTE)
    placements = sorted(found.by_placement.items(), key=lambda pair: (-pair[1].answers, pair[0]))
    names = [each.name for each in fields(Outcome)]
    return {
        "since": _moment(questions.answers_counted_since(connection, steps.start)),
        "total": asdict(found.total),
        "placements": [{"placement": name or None} | asdict(outcome) for name, outcome in placements],
        "steps": {
            name: steps.fill({step: getattr(outcome, name) for step, outcome in found.by_step.items()})
            for name in names
        },
        "coverage": {"shown": len(found.shown), "catalog": facts.n_items},
        "most": found.most(facts.title),
    }


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

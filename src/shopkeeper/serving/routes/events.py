"""``POST /events``: what shoppers do. Answered when it is on the disk."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response

from shopkeeper.serving.access.callers import caller_of, check_own_user, own_event_id
from shopkeeper.serving.answers import EventsOut
from shopkeeper.serving.event_store.records import ShopEvent
from shopkeeper.serving.openapi import EVENTS, OF_BODY, described
from shopkeeper.serving.reading import read_body
from shopkeeper.serving.routes.replies import reply
from shopkeeper.serving.service import Service

ONE = {"user_id": "c7", "item_id": "sku-003", "event_type": "view"}
ASKS = {
    "one event": ONE,
    "several events": [
        ONE | {"event_id": "e-1001", "timestamp": "2025-03-01T09:00:00Z"},
        ONE | {"event_type": "purchase", "quantity": 2, "price": 4.99},
    ],
    "a click on a recommendation": ONE
    | {"recommendation_id": "0b6ff1c1f6f04b2e8d4a3f3d1f0a9b11", "position": 3, "placement": "home"},
}
ANSWER = {"accepted": 1, "duplicates": 0, "unknown_items": 0, "event_ids": ["e-1001"]}


POST_EVENTS = described("events", "Store events", EventsOut, ANSWER, (EVENTS, ASKS), failures=(*OF_BODY, "429"))


def add_event_routes(app: FastAPI, service: Service) -> None:
    """Adds the routes of events."""

    @app.post("/events", openapi_extra=POST_EVENTS)
    async def post_events(request: Request) -> Response:
        """Stores one event or a list of them, all or none. They are on the disk when this answers.

        An event id that is already stored is a duplicate and changes nothing, so a request may be sent again.
        """
        events = service.intake.read(await read_body(request, service.settings.max_body_bytes))
        events = _of_caller(request, events)
        service.user_rates.take(events)
        sequences = await service.add_events(events)
        duplicates = sequences.count(None)
        items, metrics = service.served.items, service.metrics
        unknown = sum(event.item_id not in items for event in events)
        for event, sequence in zip(events, sequences, strict=True):
            if sequence is not None:
                metrics.event(event.event_type.value)
        metrics.duplicates.inc(duplicates)
        metrics.unknown_items.inc(unknown)
        return reply(EventsOut(len(events) - duplicates, duplicates, unknown, [event.event_id for event in events]))


def _of_caller(request: Request, events: list[ShopEvent]) -> list[ShopEvent]:
    """The events, where whoever asks may send them; ids that a page gave are its own.

    Raises:
        ForbiddenError: A browser key names another user than its own.
    """
    check_own_user(request.scope, (event.user_id for event in events))
    caller = caller_of(request.scope)
    if caller is None or not caller.in_browser:
        return events
    return [event._replace(event_id=own_event_id(caller, event.event_id)) for event in events]

"""Events as they are posted become events as they are stored: ids checked, words understood, gaps filled."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

import msgspec

from shopkeeper.data.schema import EventType, event_type_of
from shopkeeper.errors import DataError
from shopkeeper.serving.event_store.records import IdKinds, ShopEvent
from shopkeeper.serving.problems import InvalidError
from shopkeeper.serving.reading import check_id, decode, microseconds
from shopkeeper.serving.requests import EventIn

_DECODER = msgspec.json.Decoder(EventIn | list[EventIn])
_TYPES = {event_type.value: event_type for event_type in EventType}


@dataclass(frozen=True)
class Intake:
    """Reads posted events.

    Attributes:
        kinds: Which ids are integers.
        max_batch: Most events in one request.
        max_future_seconds: How far ahead of the clock an event may lie.
    """

    kinds: IdKinds
    max_batch: int
    max_future_seconds: float

    def read(self, body: bytes) -> list[ShopEvent]:
        """The events of one request, all of them or none.

        Raises:
            UnreadableError: The body is no JSON.
            InvalidError: One of the events is not right; the message names it.
        """
        found = decode(_DECODER, body)
        if not isinstance(found, list):
            return [self._event(found, "", time.time())]
        if len(found) > self.max_batch:
            raise InvalidError(
                "too many events in one request", expected=f"at most {self.max_batch}", got=str(len(found)),
                remedy="send several requests",
            )  # fmt: skip
        now = time.time()
        return [self._event(event, f"[{place}].", now) for place, event in enumerate(found)]

    def _event(self, given: EventIn, path: str, now: float) -> ShopEvent:
        return ShopEvent(
            event_id=given.event_id or uuid.uuid4().hex,
            user_id=check_id(given.user_id, self.kinds.user_integer, f"{path}user_id"),
            item_id=check_id(given.item_id, self.kinds.item_integer, f"{path}item_id"),
            event_type=event_type(given.event_type, f"{path}event_type"),
            timestamp=self._moment(given, path, now),
            session_id=given.session_id,
            quantity=given.quantity,
            price=given.price,
            placement=given.placement,
            recommendation_id=given.recommendation_id,
            position=given.position,
        )

    def _moment(self, given: EventIn, path: str, now: float) -> int:
        if given.timestamp is None:
            return round(now * 1_000_000)
        moment = microseconds(given.timestamp, f"{path}timestamp")
        if moment > (now + self.max_future_seconds) * 1_000_000:
            raise InvalidError(
                f"{path}timestamp lies in the future",
                expected=f"at most {self.max_future_seconds:.0f} seconds after now",
                got=repr(given.timestamp),
                remedy="give seconds, not milliseconds, and look at the clock of the sender",
            )
        return moment


def event_type(word: str, where: str) -> EventType:
    """The event type that a word means.

    Raises:
        InvalidError: The word is not known.
    """
    known = _TYPES.get(word)
    if known is not None:
        return known
    try:
        return event_type_of(word)
    except DataError as error:
        raise InvalidError(f"{where} is unknown", expected=error.expected, got=repr(word)) from error

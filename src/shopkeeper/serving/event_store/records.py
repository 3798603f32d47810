"""The rows of the event store as plain objects."""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

from shopkeeper.data.schema import EventType
from shopkeeper.types import Id

LATENCY_BOUNDS_MS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)
"""Upper bounds of the buckets of a latency histogram in milliseconds; one more bucket holds what is above."""


class IdKinds(NamedTuple):
    """Whether the ids of a shop are integers or text; an integer is not the text of its digits."""

    user_integer: bool
    item_integer: bool


class ShopEvent(NamedTuple):
    """One event as the service acknowledged it."""

    event_id: str
    """Unique; the same id again is the same event and changes nothing."""
    user_id: Id
    item_id: Id
    event_type: EventType
    timestamp: int
    """Unix microseconds, UTC."""
    session_id: str | None = None
    quantity: float | None = None
    price: float | None = None
    placement: str | None = None
    recommendation_id: str | None = None
    position: int | None = None


class StoredEvent(NamedTuple):
    """An event with its place in the order of commits: a reader that saw sequence n has seen all below n."""

    sequence: int
    event: ShopEvent


class Deletion(NamedTuple):
    """A shopper who was forgotten: all their events up to a sequence are gone, those in a bundle must not be used."""

    number: int
    """Place in the order of deletions, from 1."""
    user_digest: bytes
    """`user_digest(store_id, user_id)`; the id itself is not kept."""
    after_sequence: int
    """Events with a higher sequence came after the deletion and count."""


class Deleted(NamedTuple):
    """How much was forgotten of a shopper."""

    events: int
    answers: int


class AnswerRecord(NamedTuple):
    """One answer of the recommender, for click-through, coverage and the share of the fallback."""

    recommendation_id: str
    user_id: Id | None
    timestamp: int
    """Unix microseconds, UTC."""
    placement: str | None
    model: str
    item_ids: tuple[Id, ...]
    sources: tuple[str, ...]
    fallback: int
    """Items of the list that come from the fallback chain."""


class TrafficMinute(NamedTuple):
    """Requests of one route in one minute in one worker."""

    minute: int
    """Unix time divided by 60."""
    worker: str
    route: str
    requests: int
    errors: int
    """Answers with a status of 500 and above."""
    milliseconds: float
    """Sum over the requests."""
    histogram: tuple[int, ...]
    """Requests in each bucket of `LATENCY_BOUNDS_MS`, one more than there are bounds."""


def user_digest(store_id: str, user_id: Id) -> bytes:
    """Tells that a shopper was forgotten without keeping the id: 16 bytes, different in every store."""
    return blake2b(str(user_id).encode(), key=store_id.encode(), digest_size=16).digest()

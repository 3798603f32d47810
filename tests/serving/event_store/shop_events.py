"""Events for tests, and writers in other processes."""

from __future__ import annotations

import time

from shopkeeper.data.schema import EventType
from shopkeeper.serving.event_store.records import IdKinds, ShopEvent
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.types import Id

SECOND = 1_000_000
START = 1_750_000_000 * SECOND


def shop_event(event_id: str, user_id: Id = "ann", item_id: Id = "tea", second: int = 0) -> ShopEvent:
    return ShopEvent(event_id, user_id, item_id, EventType.VIEW, START + second * SECOND)


def write_batches(address: str, writer: str, batches: int, size: int, shared: int = 0) -> int:
    """Opens the store and adds batches; the first `shared` events of each have ids that all writers use.

    Returns:
        How many events were new.
    """
    store = EventStore.open(address, IdKinds(user_integer=False, item_integer=False))
    new = 0
    for batch in range(batches):
        common = [shop_event(f"common-{batch}-{place}", writer) for place in range(shared)]
        own = [shop_event(f"{writer}-{batch}-{place}", writer) for place in range(size)]
        new += sum(sequence is not None for sequence in store.add(common + own))
    store.close()
    return new


def open_at(address: str, moment: float) -> None:
    """Opens the store at a moment, in seconds as `time.time` tells them, and closes it."""
    time.sleep(max(0.0, moment - time.time()))
    EventStore.open(address, IdKinds(user_integer=False, item_integer=False)).close()

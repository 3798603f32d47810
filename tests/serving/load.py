"""A client that asks without a pause from several threads, and counts what came back."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx


@dataclass
class Tally:
    """What came back.

    Attributes:
        statuses: Number of answers of each status.
        failures: What failed without an answer.
        bundles: Number of answers from each bundle.
        slowest: Longest wait in seconds.
        acknowledged: Ids of the events that were acknowledged.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    bundles: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    acknowledged: list[str] = field(default_factory=list)

    @property
    def answers(self) -> int:
        """Number of answers."""
        return sum(self.statuses.values())


@contextmanager
def hammering(address: str, threads: int = 4) -> Iterator[Tally]:
    """Posts an event of a shopper and asks for recommendations, over and over, until the block is left."""
    tally, stop, lock = Tally(), threading.Event(), threading.Lock()

    def work(number: int) -> None:
        step = 0
        with httpx.Client(base_url=address, timeout=30) as client:
            while not stop.is_set():
                step += 1
                _turn(client, f"h{number}-{step % 20}", step, tally, lock)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield tally
    finally:
        stop.set()
        for worker in workers:
            worker.join(30)


def _turn(client: httpx.Client, user: str, step: int, tally: Tally, lock: threading.Lock) -> None:
    event = {"user_id": user, "item_id": f"sku-{step % 12:03d}", "event_type": "view"}
    try:
        start = time.perf_counter()
        posted = client.post("/events", json=event)
        answer = client.post("/recommendations", json={"user_id": user, "k": 5})
        seconds = time.perf_counter() - start
    except httpx.HTTPError as error:
        with lock:
            tally.failures.append(repr(error))
        return
    with lock:
        tally.statuses[posted.status_code] += 1
        tally.statuses[answer.status_code] += 1
        tally.slowest = max(tally.slowest, seconds)
        if posted.status_code == 200:
            tally.acknowledged += posted.json()["event_ids"]
        if answer.status_code == 200:
            tally.bundles[answer.json()["bundle"]] += 1

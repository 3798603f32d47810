"""Clients that post events and remember, on disk, which of them were acknowledged."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

from benchmarks.crash_service import N_ITEMS, Service

MOST: Final = 5
"""Events in one request, at most."""
EVENTS_A_SHOPPER: Final = 100
"""Then the next shopper comes."""


class Ledger:
    """Ids of acknowledged events, each line synced to the disk before the next request.

    Args:
        file: Where they go.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        self._lock = threading.Lock()
        self._written = 0

    def __len__(self) -> int:
        return self._written

    def write(self, ids: Sequence[str]) -> None:
        """Adds ids; they are on the disk when this returns."""
        with self._lock:
            os.write(self._descriptor, "".join(f"{one}\n" for one in ids).encode())
            self._written += len(ids)
        os.fsync(self._descriptor)

    def read(self) -> set[str]:
        """All of them, from the disk."""
        return set(self._file.read_text().split())


class Clients:
    """Threads that post until they are stopped.

    Args:
        service: Who is asked.
        ledger: Where acknowledged ids go.
        n: How many.
    """

    def __init__(self, service: Service, ledger: Ledger, n: int) -> None:
        self._clients = [_Client(service, ledger, number) for number in range(n)]

    @property
    def sent_again(self) -> int:
        """Events of requests that got no answer."""
        return sum(client.sent_again for client in self._clients)

    @property
    def duplicates(self) -> int:
        """Those of them that the service knew already."""
        return sum(client.duplicates for client in self._clients)

    def start(self) -> None:
        """Starts all threads."""
        for client in self._clients:
            client.start()

    def stop(self) -> None:
        """Lets each finish its request, and waits; does nothing the second time."""
        for client in self._clients:
            client.stopped.set()
        for client in self._clients:
            client.join()
        for client in self._clients:
            if client.failure is not None:
                raise client.failure

    def unseen(self) -> int:
        """How many clients do not find their last acknowledged event in the history of its shopper."""
        return sum(not client.sees_its_last() for client in self._clients)


class _Client(threading.Thread):
    def __init__(self, service: Service, ledger: Ledger, number: int) -> None:
        super().__init__(daemon=True)
        self.stopped = threading.Event()
        self.failure: BaseException | None = None
        self.sent_again = self.duplicates = 0
        self._service, self._ledger, self._number = service, ledger, number
        self._generator = random.Random(number)  # noqa: S311
        self._made = 0
        self._last: dict[str, Any] | None = None

    def run(self) -> None:
        connection = self._service.connect()
        try:
            while not self.stopped.is_set():
                events = [self._event() for _ in range(self._generator.randint(1, MOST))]
                connection = self._post(connection, events)
        except BaseException as error:  # a client that died would make the test an easy one
            self.failure = error
        finally:
            connection.close()

    def sees_its_last(self) -> bool:
        """Whether it does, from whichever worker, within the second that workers have to tell each other."""
        last, deadline = self._last, time.monotonic() + 1
        while last is not None and last["timestamp"] not in self._history(last["user_id"]):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def _history(self, user_id: str) -> set[float]:
        connection = self._service.connect()
        try:
            connection.request("GET", f"/users/{user_id}?limit={EVENTS_A_SHOPPER}")
            events = json.loads(connection.getresponse().read())["events"]
        finally:
            connection.close()
        return {datetime.fromisoformat(event["timestamp"]).timestamp() for event in events}

    def _post(self, connection: HTTPConnection, events: Sequence[dict[str, Any]]) -> HTTPConnection:
        """Posts until it is acknowledged, over new connections where the old one broke."""
        body = json.dumps(events if len(events) > 1 else events[0])
        again = False
        while True:
            try:
                connection.request("POST", "/events", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                content = json.loads(answer.read())
            except (OSError, HTTPException, ValueError):
                connection.close()
                self.sent_again += 0 if again else len(events)
                again = True
                time.sleep(0.02)
                connection = self._service.connect()
                continue
            if answer.status == 503:  # it says itself that nothing is known to be stored
                again = True
                time.sleep(0.05)
                continue
            if answer.status != 200:
                raise RuntimeError(f"status {answer.status}: {content}")
            self._ledger.write([event["event_id"] for event in events])
            self.duplicates += content["duplicates"]
            self._last = events[-1]
            return connection

    def _event(self) -> dict[str, Any]:
        self._made += 1
        return {
            "event_id": f"{self._number}-{self._made}",
            "user_id": f"shopper-{self._number}-{self._made // EVENTS_A_SHOPPER}",
            "item_id": f"item-{self._generator.randrange(N_ITEMS)}",
            "event_type": "view",
            "timestamp": 1_700_100_000 + self._made,
        }

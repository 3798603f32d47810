"""Writes down what was recommended and how much was asked, behind the back of the requests."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import groupby
from operator import itemgetter
from threading import Event, Lock, Thread
from typing import Final

from shopkeeper.errors import ShopkeeperError
from shopkeeper.serving.event_store.records import AnswerRecord
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.logs import LOGGER
from shopkeeper.serving.traffic import Traffic

PAGE: Final = 250
"""Answers in one transaction: short ones, since events wait for the same lock."""
MOST_WAITING: Final = 50_000
"""Answers that are kept while the store is away; of more the oldest are dropped."""


class Recorder:
    """Collects records and writes them every few moments, in a thread.

    Args:
        store: Where they go.
        traffic: Counts of requests that are written too.
        seconds: Between two writes.
        dropped: Told how many answers were given up.
        tidy: Called after each write; counts what is new and deletes what is too old.
    """

    def __init__(
        self,
        store: EventStore,
        traffic: Traffic,
        seconds: float,
        dropped: Callable[[int], None],
        tidy: Callable[[], object] = lambda: None,
    ) -> None:
        self._store = store
        self._traffic = traffic
        self._seconds = seconds
        self._dropped = dropped
        self._tidy = tidy
        self._answers: deque[tuple[int, AnswerRecord]] = deque()
        self._stop = Event()
        self._writing = Lock()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Starts the thread."""
        self._thread = Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    def record(self, answer: AnswerRecord, deletions: int) -> None:
        """Takes one answer; it is written within moments, unless its shopper is forgotten before.

        Args:
            answer: What is to be written.
            deletions: Number of the latest deletion that was known when the answer was made.
        """
        if len(self._answers) >= MOST_WAITING:
            self._answers.popleft()
            self._dropped(1)
        self._answers.append((deletions, answer))

    def flush(self) -> None:
        """Writes all that is waiting.

        Raises:
            StoreError: The store refuses; what was not written waits on.
        """
        with self._writing:
            while page := [self._answers.popleft() for _ in range(min(PAGE, len(self._answers)))]:
                try:
                    for deletions, answers in groupby(page, itemgetter(0)):
                        self._store.add_answers([answer for _, answer in answers], deletions)
                except Exception:  # what was written before stays as it is when it is written again
                    self._answers.extendleft(reversed(page))
                    raise
            minutes = self._traffic.take()
            try:
                self._store.add_traffic(minutes)
            except Exception:
                self._traffic.put_back(minutes)
                raise

    def close(self) -> None:
        """Ends the thread after a last write."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while not self._stop.wait(self._seconds):
            self._try()
        self._try()

    def _try(self) -> None:
        try:
            self.flush()
            self._tidy()
        except ShopkeeperError as error:
            LOGGER.warning("answers wait to be recorded: %s", error)
        except Exception:  # a thread that died would record nothing more
            LOGGER.exception("answers wait to be recorded")

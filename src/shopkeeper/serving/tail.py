"""Follows the event store, so that what one worker stored is soon known to all."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

from shopkeeper.errors import ShopkeeperError
from shopkeeper.serving.logs import LOGGER


class Tail:
    """A thread that catches up every few moments.

    Args:
        catch_up: Reads what is new; what it raises is logged, and tried again the next time.
        seconds: Between two looks.
        at_once: Look when it starts too.
    """

    def __init__(self, catch_up: Callable[[], None], seconds: float, at_once: bool = False) -> None:
        self._catch_up = catch_up
        self._seconds = seconds
        self._at_once = at_once
        self.stopping = Event()
        """Set when it is to end."""
        self._thread: Thread | None = None
        self.problem: ShopkeeperError | None = None
        """Why the last look failed; None where it did not."""

    def start(self) -> None:
        """Starts the thread."""
        self._thread = Thread(target=self._work, name="tail", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread."""
        self.stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while not self.stopping.wait(0.0 if self._at_once else self._seconds):
            self._at_once = False
            try:
                self._catch_up()
                self.problem = None
            except ShopkeeperError as error:
                if self.problem is None:
                    LOGGER.warning("the event store cannot be followed: %s", error)
                self.problem = error
            except Exception:  # a thread that died would leave this worker behind for ever
                LOGGER.exception("the event store cannot be followed")

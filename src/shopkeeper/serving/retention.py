"""Deletes old records of answers and traffic, a little at a time, so that the store does not grow for ever."""

from __future__ import annotations

import time
from typing import Final

from shopkeeper.serving.event_store.store import PRUNED_AT_ONCE, EventStore

DAY: Final = 86_400
"""Seconds."""
REST: Final = 600.0
"""Seconds to the next look when nothing old is left."""


class Retention:
    """Keeps records of answers and traffic for some days.

    Args:
        store: Where they are.
        days: How long they are kept; None keeps all.
    """

    def __init__(self, store: EventStore, days: float | None) -> None:
        self._store = store
        self._days = days
        self._next = 0.0

    def look(self) -> int:
        """Deletes at most one page of old answers; does nothing for a while when none was left.

        Returns:
            The number of answers deleted.

        Raises:
            StoreError: The store refuses; the next look tries again.
        """
        if self._days is None or time.monotonic() < self._next:
            return 0
        pruned = self._store.prune_answers(int((time.time() - self._days * DAY) * 1e6))
        if pruned < PRUNED_AT_ONCE:
            self._next = time.monotonic() + REST
        return pruned

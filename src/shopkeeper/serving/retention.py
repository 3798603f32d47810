"""Deletes what is too old, a little at a time, so that the store does not grow for ever, and gives the space back."""

from __future__ import annotations

import time
from typing import Final

from shopkeeper.serving.event_store.store import PRUNED_AT_ONCE, EventStore

DAY: Final = 86_400
"""Seconds."""


class Retention:
    """Keeps events for some days, and records of answers and traffic for some.

    Args:
        store: Where they are.
        days: How long answers and traffic are kept; None keeps all.
        event_days: How long events are kept; None keeps all.
    """

    def __init__(self, store: EventStore, days: float | None, event_days: float | None = None) -> None:
        self._store = store
        kinds = ((store.prune_answers, days), (store.prune_events, event_days))
        self._prunes = [(prune, kept) for prune, kept in kinds if kept is not None]
        self._deleted = False

    def look(self) -> bool:
        """Deletes at most one page of each; when nothing old is left gives the space back.

        Returns:
            Whether there may be more.

        Raises:
            StoreError: The store refuses; the next look tries again.
        """
        pruned = [prune(int((time.time() - days * DAY) * 1e6)) for prune, days in self._prunes]
        self._deleted |= any(pruned)
        more = PRUNED_AT_ONCE in pruned
        if self._deleted and not more:
            self._store.vacuum()
            self._deleted = False
        return more

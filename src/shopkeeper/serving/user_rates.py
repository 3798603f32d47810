"""How many events of each user came today: more than anybody has come from a script, and are refused."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from shopkeeper.serving.event_store.records import ShopEvent
from shopkeeper.serving.problems import TooOftenError
from shopkeeper.types import Id

DAY: Final = 86_400
MOST_USERS: Final = 200_000
"""So many users are counted; above it those with the fewest events are counted anew."""


class UserRates:
    """Counts of one worker since midnight UTC.

    Args:
        events_a_day: Most events of one user; None counts nobody.
        clock: Unix seconds.
    """

    def __init__(self, events_a_day: int | None, clock: Callable[[], float] = time.time) -> None:
        self._most = events_a_day
        self._clock = clock
        self._day = 0
        self._counts: Counter[Id] = Counter()

    def take(self, events: Sequence[ShopEvent]) -> None:
        """Counts the events of a request, or none of them.

        Raises:
            TooOftenError: A user would have more than there may be; it names none, since errors may be logged.
        """
        if self._most is None:
            return
        today = int(self._clock()) // DAY
        if today != self._day:
            self._day, self._counts = today, Counter()
        of_users = Counter(event.user_id for event in events)
        if any(self._counts[user] + times > self._most for user, times in of_users.items()):
            raise TooOftenError(
                "a user of this request has more events today than anybody has", expected=f"at most {self._most} a day",
                remedy="leave events of scripts out; raise service.max_user_events_a_day where people do so much",
            )  # fmt: skip
        self._counts.update(of_users)
        if len(self._counts) > MOST_USERS:
            self._counts = Counter(dict(self._counts.most_common(MOST_USERS // 2)))

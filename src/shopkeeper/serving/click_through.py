"""What became of recommendations: which answers were clicked, led to the cart, to a purchase; what was shown how often.

An event counts for an answer when it names it and its item was in it. An answer counts once, however often it was
clicked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Any, Final

from shopkeeper.data.schema import INTEREST_TYPES, EventType
from shopkeeper.serving.event_store.statistics import Response, ShownAnswer
from shopkeeper.types import Id

N_MOST: Final = 10
"""Length of the list of items that were recommended most."""
CLICKS: Final = frozenset(event_type.value for event_type in INTEREST_TYPES)


@dataclass
class Outcome:
    """Sums over some answers."""

    answers: int = 0
    items: int = 0
    fallback: int = 0
    """Items that came from the fallback chain."""
    clicked: int = 0
    """Answers with an item that was viewed, liked, put in the cart or bought."""
    carted: int = 0
    """Answers with an item that was put in the cart or bought."""
    purchased: int = 0
    """Answers with an item that was bought."""

    def add(self, answer: ShownAnswer, deeds: set[str]) -> None:
        """Counts one answer, of which these event types came."""
        self.answers += 1
        self.items += len(answer.item_ids)
        self.fallback += answer.fallback
        self.clicked += not CLICKS.isdisjoint(deeds)
        self.carted += not deeds.isdisjoint({EventType.CART, EventType.PURCHASE})
        self.purchased += EventType.PURCHASE in deeds


@dataclass
class ClickThrough:
    """What became of the answers of some time."""

    total: Outcome = field(default_factory=Outcome)
    by_placement: dict[str, Outcome] = field(default_factory=lambda: defaultdict(Outcome))
    by_step: dict[int, Outcome] = field(default_factory=lambda: defaultdict(Outcome))
    shown: Counter[Id] = field(default_factory=Counter)
    """How often each item was recommended."""
    clicks: Counter[Id] = field(default_factory=Counter)
    """Of how many of these answers it was clicked."""

    @staticmethod
    def of(answers: Iterable[ShownAnswer], responses: Iterable[Response], step: int) -> ClickThrough:
        """Joins answers with the events that name them.

        Args:
            answers: Each answer once.
            responses: What was done with which item of which answer.
            step: Length of a step of time in microseconds.
        """
        deeds: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for response in responses:
            deeds[response.recommendation_id][response.item_id].add(response.event_type)
        result = ClickThrough()
        for answer in answers:
            result._add(answer, deeds.get(answer.recommendation_id, {}), answer.timestamp // step)
        return result

    def _add(self, answer: ShownAnswer, deeds: dict[str, set[str]], step: int) -> None:
        done: set[str] = set()
        self.shown.update(answer.item_ids)
        for item_id in answer.item_ids if deeds else ():
            of_item = deeds.get(str(item_id), set())
            done |= of_item
            self.clicks[item_id] += not CLICKS.isdisjoint(of_item)
        for outcome in (self.total, self.by_placement[answer.placement or ""], self.by_step[step]):
            outcome.add(answer, done)

    def most(self, title: Callable[[Id], str | None]) -> list[dict[str, Any]]:
        """The items that were recommended most: `item_id`, `title`, `answers`, `clicked`."""
        most = nsmallest(N_MOST, self.shown.items(), key=lambda pair: (-pair[1], str(pair[0])))
        return [
            {"item_id": item_id, "title": title(item_id), "answers": count, "clicked": self.clicks[item_id]}
            for item_id, count in most
        ]

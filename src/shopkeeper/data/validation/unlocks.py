"""What the data are good for: which models and targets have enough, which not yet, and why.

The thresholds of recommenders are rules of thumb for when a model begins to beat a simpler one; nothing forbids to
train below them. Those of what shoppers will do are the rule of `data.examples.enough`, which `select` goes by.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from shopkeeper.data.cutoffs import MICROSECONDS_A_DAY
from shopkeeper.data.examples.enough import NETWORKS_FROM, needed_time, parts_between, too_few, too_short
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.schema import INTEREST_TYPES, EventType
from shopkeeper.data.validation.spread import Spread

LEAST: Final = {
    "events": 100, "pairs": 1_000, "users": 500, "sequences": 1_000, "sequence_events": 20_000,
    "titles": 0.5, "prices": 0.5, "dense_items": 30_000, "returning": 30,
}  # fmt: skip


@dataclass(frozen=True)
class Measures:
    """What the thresholds are compared with.

    Attributes:
        interest: Events that say that a shopper wants an item (views, likes, carts, purchases).
        event_types: Rows of each event type.
        users: Shoppers.
        items: Items.
        with_events: Number of events to shoppers with at least so many.
        repeats: Events on an item that the same shopper did the same to before.
        buying_twice: Shoppers with two purchases or more.
        on_two_days: Shoppers with events on two days or more.
        days: Days from the first to the last event.
        titled: Items with a title.
        priced_items: Items whose price the catalog knows.
        priced_purchases: Purchases with a price.
        spread: How events of interest lie in time; None where no time is known.
    """

    interest: int
    event_types: dict[str, int]
    users: int
    items: int
    with_events: dict[int, int]
    repeats: int
    buying_twice: int
    on_two_days: int
    days: float
    titled: int
    priced_items: int
    priced_purchases: int
    spread: Spread | None = None


@dataclass(frozen=True)
class Unlock:
    """One model or target.

    Attributes:
        name: Stable name.
        title: For people.
        ready: Whether there is enough.
        why: What is there, and what is needed.
    """

    name: str
    title: str
    ready: bool
    why: str

    def to_dict(self) -> dict[str, Any]:
        """The entry as plain JSON."""
        return {"name": self.name, "title": self.title, "ready": self.ready, "why": self.why}


def unlocks(facts: Measures) -> list[Unlock]:
    """Compares the data with the thresholds, simplest models first."""
    return [*_simple(facts), *_collaborative(facts), *_content(facts), *_behavior(facts)]


def _need(name: str, title: str, *needs: tuple[str, float, float]) -> Unlock:
    """Ready where every (what, there, needed) has enough."""
    lacking = [need for need in needs if need[1] < need[2]]
    why = "; ".join(f"{_plain(there)} {what}, needs {_plain(needed)}" for what, there, needed in lacking or needs)
    return Unlock(name, title, not lacking, why)


def _plain(value: float) -> str:
    return f"{value:.0%}" if isinstance(value, float) and value <= 1 else f"{value:,.0f}"


def _simple(facts: Measures) -> Iterator[Unlock]:
    two = facts.with_events.get(2, 0)
    yield _need("popular", "most popular", ("events", facts.interest, LEAST["events"]))
    repeats = ("repeated events", facts.repeats, LEAST["events"])
    yield _need("recently_viewed", "recently viewed", repeats)
    pairs = max(0, facts.interest - facts.with_events.get(1, 0))
    yield _need("transitions", "item-to-item transitions", ("pairs of consecutive events", pairs, LEAST["pairs"]))
    yield _need("item_knn", "item kNN", ("shoppers with 2 events", two, LEAST["users"]))


def _collaborative(facts: Measures) -> Iterator[Unlock]:
    two = ("shoppers with 2 events", facts.with_events.get(2, 0), LEAST["users"])
    ease = _need("ease", "EASE", two)
    if facts.items > LEAST["dense_items"]:
        why = f"{facts.items:,} items, at most {LEAST['dense_items']:,.0f}: it inverts a matrix of items by items"
        ease = Unlock("ease", "EASE", False, why)
    yield ease
    events = ("events", facts.interest, LEAST["sequence_events"] / 2)
    yield _need("als", "ALS", two, events)
    yield _need("bpr", "BPR", two, events)
    three = ("shoppers with 3 events", facts.with_events.get(3, 0), LEAST["sequences"])
    yield _need("sasrec", "SASRec", three, ("events", facts.interest, LEAST["sequence_events"]))


def _content(facts: Measures) -> Iterator[Unlock]:
    share = facts.titled / facts.items if facts.items else 0.0
    yield _need("text", "text features", ("of items with a title", share, LEAST["titles"]))
    purchases = facts.event_types.get(EventType.PURCHASE.value, 0)
    sold = facts.priced_purchases / purchases if purchases else 0.0
    listed = facts.priced_items / facts.items if facts.items else 0.0
    what = "of purchases with a price" if sold >= listed else "of items with a price"
    yield _need("price", "price and revenue", (what, max(sold, listed), LEAST["prices"]))


def _behavior(facts: Measures) -> Iterator[Unlock]:
    for kind in INTEREST_TYPES:
        yield _predicted(facts, kind)
    twice = ("shoppers with 2 purchases", facts.buying_twice, LEAST["returning"])
    days = ("days", facts.days, 3 * needed_time(ExampleSettings()) / MICROSECONDS_A_DAY)
    yield _need("repeat_purchase", "repeat purchase within 7 days", twice, days)
    churn = ExampleSettings(target="churn", days=30)
    days = ("days", facts.days, 3 * needed_time(churn) / MICROSECONDS_A_DAY)
    returning = ("shoppers seen on 2 days", facts.on_two_days, LEAST["returning"])
    yield _need("churn", "churn within 30 days", returning, days)


def _predicted(facts: Measures, kind: EventType) -> Unlock:
    """Whether `select --target` goes on, and which predictors compete then."""
    examples = ExampleSettings(target=kind.value)
    name, title = (
        f"predict_{kind.value}",
        f"predict whether a shopper will {_VERBS[kind]} within {examples.days:g} days",
    )
    n = facts.event_types.get(kind.value, 0)
    if not n or facts.spread is None:
        return Unlock(name, title, False, f"0 {kind.value} events")
    moments = parts_between(facts.spread.first, facts.spread.end, facts.spread.cutoffs, examples)
    short = too_short(moments, examples) or too_few(facts.spread.counted(kind), moments, examples)
    if short is not None:
        return Unlock(name, title, False, f"{short.there:,.3g} {short.what}, needs {short.needed:,.3g}")
    more = "networks compete too" if n >= NETWORKS_FROM else f"networks compete from {NETWORKS_FROM:,} on"
    return Unlock(name, title, True, f"{n:,} {kind.value} events; {more}")


_VERBS: Final = {
    EventType.VIEW: "look at it", EventType.LIKE: "like it", EventType.CART: "put it in the cart",
    EventType.PURCHASE: "buy it",
}  # fmt: skip

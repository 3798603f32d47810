"""A random small shop: events with carts, returns and long histories, a catalog with paths, prices and stock.

Everything is kept as plain rows, so that what is right can be counted in plain Python.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

START = datetime(2026, 1, 1, tzinfo=UTC)
SEPARATORS = (" > ", ">", "/", "|")
STEPS = (("Garden", "Kitchen", "Toys"), ("Tools", "Pots", "Wood"), ("Small", "Large"))
LOG = ("user_id", "item_id", "event_type", "timestamp", "quantity", "price")
FEED = ("item_id", "title", "category", "brand", "price", "available")


@dataclass(frozen=True)
class Plan:
    """What a shop is drawn from.

    Attributes:
        seed: Of everything that is random.
        n_users: Shoppers.
        n_items: Items in the catalog.
        n_events: Events of all shoppers, before the long histories.
        longest: Events of one more shopper; 0 for none.
        integers: Ids are integers in place of text.
        separator: Between the steps of a category path.
        digits: Digits of the largest price before the decimal point.
        repeats: Shoppers buy the same again.
        live_share: Share of the events that come when the service already runs.
        k: Length of the lists that are asked for.
    """

    seed: int
    n_users: int
    n_items: int
    n_events: int
    longest: int
    integers: bool
    separator: str
    digits: int
    repeats: bool
    live_share: float
    k: int


PLANS = st.builds(
    Plan,
    seed=st.integers(0, 2**32 - 1),
    n_users=st.integers(4, 14),
    n_items=st.integers(6, 40),
    n_events=st.integers(60, 260),
    longest=st.sampled_from([0, 0, 240, 420]),
    integers=st.booleans(),
    separator=st.sampled_from(SEPARATORS),
    digits=st.integers(1, 9),
    repeats=st.booleans(),
    live_share=st.sampled_from([0.0, 0.1, 0.3]),
    k=st.sampled_from([1, 3, 10, 25]),
)


@dataclass(frozen=True)
class Shop:
    """Rows of a log and of a catalog.

    Attributes:
        plan: What they were drawn from.
        events: Oldest first, no two at the same moment; those from `live_from` on come later.
        items: One an item.
        live_from: How many events the bundle is made of.
    """

    plan: Plan
    events: Sequence[Mapping[str, Any]]
    items: Sequence[Mapping[str, Any]]
    live_from: int

    @property
    def past(self) -> Sequence[Mapping[str, Any]]:
        """The events that the bundle is made of."""
        return self.events[: self.live_from]

    def path(self, item: Mapping[str, Any]) -> list[str]:
        """The category path of an item, step by step."""
        return [] if not item["category"] else str(item["category"]).split(self.plan.separator)

    def write(self, folder: Path, events: Sequence[Mapping[str, Any]]) -> tuple[Path, Path]:
        """The log and the feed as CSV files."""
        log, feed = folder / "log.csv", folder / "feed.csv"
        for file, names, rows in ((log, LOG, events), (feed, FEED, self.items)):
            with file.open("w", newline="", encoding="utf-8") as out:
                writer = csv.DictWriter(out, names)
                writer.writeheader()
                writer.writerows(rows)
        return log, feed


def random_shop(plan: Plan) -> Shop:
    """Draws a shop; the same plan gives the same shop."""
    draw = np.random.default_rng(plan.seed)
    n = plan.n_events
    users = np.concatenate([draw.integers(0, plan.n_users, n), np.full(plan.longest, plan.n_users)])
    draw.shuffle(users)
    held: dict[tuple[int, int], int] = {}
    bought: dict[int, set[int]] = {}
    events: list[dict[str, Any]] = []
    moment = START
    for user in users.tolist():
        moment += timedelta(seconds=int(draw.integers(1, 40_000)))
        item = int(min(draw.geometric(0.12) - 1, plan.n_items - 1))
        kind, quantity = _deed(draw, plan, held, bought, user, item)
        events.append(
            {
                "user_id": user + 100 if plan.integers else f"u{user}",
                "item_id": item + 1000 if plan.integers else f"i{item}",
                "event_type": kind,
                "timestamp": moment.isoformat(),
                "quantity": quantity,
                "price": "",
            }
        )
    return Shop(plan, events, _feed(draw, plan), round(len(events) * (1 - plan.live_share)))


def _deed(
    draw: np.random.Generator, plan: Plan, held: dict[tuple[int, int], int], bought: dict[int, set[int]],
    user: int, item: int,
) -> tuple[str, int]:  # fmt: skip
    """What the shopper does, and how many units; returns only what is held."""
    kind = str(draw.choice(["view", "cart", "purchase", "return"], p=[0.5, 0.15, 0.28, 0.07]))
    if kind == "return" and not held.get((user, item)):
        kind = "view"
    if kind == "purchase" and not plan.repeats and item in bought.get(user, ()):
        kind = "view"
    quantity = 1
    if kind == "purchase":
        quantity = int(draw.integers(1, 4))
        held[user, item] = held.get((user, item), 0) + quantity
        bought.setdefault(user, set()).add(item)
    if kind == "return":
        quantity = int(draw.integers(1, held[user, item] + 1))
        held[user, item] -= quantity
    return kind, quantity


def _feed(draw: np.random.Generator, plan: Plan) -> list[dict[str, Any]]:
    """The catalog; one item has no price, one no category, some are sold out."""
    rows = []
    for item in range(plan.n_items):
        whole = int(draw.integers(1, 10**plan.digits))
        price = Decimal(whole) + Decimal(int(draw.integers(0, 100))) / 100
        steps = [str(draw.choice(words)) for words in STEPS[: int(draw.integers(1, len(STEPS) + 1))]]
        rows.append(
            {
                "item_id": item + 1000 if plan.integers else f"i{item}",
                "title": f"Thing {item}",
                "category": "" if item == 3 else plan.separator.join(steps),
                "brand": str(draw.choice(["Ash", "Birch"])),
                "price": "" if item == 5 else str(price),
                "available": "false" if draw.random() < 0.15 else "true",
            }
        )
    return rows

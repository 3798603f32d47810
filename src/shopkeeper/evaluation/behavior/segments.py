"""Kinds of examples, told apart by what was known at their moment."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.point_in_time.table import FeatureTable
from shopkeeper.data.schema import EventType
from shopkeeper.types import BoolArray

SHOPPER_EVENTS = (0, 1, 5, 20)
"""Numbers of earlier events from which on a new group of shoppers begins."""
MET = {
    EventType.IMPRESSION: "shown", EventType.VIEW: "viewed", EventType.LIKE: "liked",
    EventType.CART: "in the cart", EventType.PURCHASE: "bought",
}  # fmt: skip
"""What the strongest earlier event of shopper and item is called, weakest first."""
NEVER = "never met"


def segments_of(examples: Examples) -> Iterator[tuple[str, str, BoolArray]]:
    """Group, name, and the examples (bool [n]) of each segment that has some.

    Groups whose features are not there are left out.
    """
    features = examples.features
    if features is None:
        return
    for group, named in (("shopper events", _by_events(features)), ("before", _by_meeting(features))):
        for name, inside in named:
            if inside.any():
                yield group, name, inside


def _by_events(features: FeatureTable) -> Iterator[tuple[str, BoolArray]]:
    if "user_events" not in features.names:
        return
    place = np.digitize(features.column("user_events"), SHOPPER_EVENTS) - 1
    names = ["none" if low == 0 else f"{low} to {high - 1}" for low, high in pairwise(SHOPPER_EVENTS)]
    for number, name in enumerate([*names, f"{SHOPPER_EVENTS[-1]} and more"]):
        yield name, place == number


def _by_meeting(features: FeatureTable) -> Iterator[tuple[str, BoolArray]]:
    if "pair_events" not in features.names:
        return
    left = np.ones(len(features), dtype=bool)
    for event_type, name in reversed(MET.items()):
        column = f"pair_{event_type.value}s"
        if column in features.names:
            inside = left & (features.column(column) > 0)
            left &= ~inside
            yield name, inside
    yield NEVER, left

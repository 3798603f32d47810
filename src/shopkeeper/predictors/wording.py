"""Reasons of predictors in English: the name of no column comes out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from shopkeeper.data.schema import EventType
from shopkeeper.predictors.base import Reason
from shopkeeper.predictors.feature_words import feature_words, length

STRONG = 1.0
"""A reason that moves the log-odds by so much is strong."""
SLIGHT = 0.1
"""One that moves them by less is slight."""


def title(feature: str) -> str:
    """What a feature is called, for an axis or a table: ``how often the shopper viewed this item``."""
    words = feature_words().get(feature)
    return words.title if words is not None else feature.replace("_", " ")


def phrase(reason: Reason) -> str:
    """What the value of a reason says: ``the shopper viewed this item 3 times before``."""
    words = feature_words().get(reason.feature)
    known = math.isfinite(reason.value)
    if words is None:
        return f"{title(reason.feature)} is {f'{reason.value:.4g}' if known else 'not known'}"
    return words.say(reason.value) if known else words.unknown or f"nothing is known of {words.title}"


def sentence(reason: Reason) -> str:
    """What a reason says and how it weighs: ``The shopper bought nothing so far: speaks against it.``."""
    said = phrase(reason)
    return f"{said[0].upper()}{said[1:]}: {weight(reason.effect)}."


def weight(effect: float) -> str:
    """What an effect on the log-odds is in words: ``speaks strongly against it``."""
    if effect == 0:
        return "makes no difference"
    strength = "strongly " if abs(effect) >= STRONG else "slightly " if abs(effect) < SLIGHT else ""
    return f"speaks {strength}{'for' if effect > 0 else 'against'} it"


def together(reasons: Sequence[Reason]) -> list[tuple[str, float]]:
    """What reasons say and their effects, strongest first; those that say the same are one, with the sum of effects.

    The hour of a day is two numbers, for example.
    """
    sums: dict[str, float] = {}
    for reason in reasons:
        said = phrase(reason)
        sums[said] = sums.get(said, 0.0) + reason.effect
    return sorted(sums.items(), key=lambda pair: -abs(pair[1]))


def sentences(reasons: Sequence[Reason]) -> list[str]:
    """Reasons of one example as sentences, strongest first."""
    return [f"{said[0].upper()}{said[1:]}: {weight(effect)}." for said, effect in together(reasons)]


DID = {
    EventType.IMPRESSION: "was shown {}",
    EventType.VIEW: "viewed {}",
    EventType.LIKE: "liked {}",
    EventType.CART: "put {} in the cart",
    EventType.PURCHASE: "bought {}",
    EventType.RETURN: "returned {}",
    EventType.REMOVE_FROM_CART: "took {} out of the cart",
}


def event_phrase(event_type: EventType, item: str, days: float) -> str:
    """One event of a history: ``viewed Red mug 2 days ago``.

    Args:
        event_type: What the shopper did.
        item: What to call the item.
        days: How many days ago.
    """
    return f"{DID[event_type].format(item)} {length(days)} ago"

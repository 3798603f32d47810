"""What each point-in-time feature is called in English, and what a value of it says: for reports, answers and axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from shopkeeper.data.point_in_time.of_items import STEPS
from shopkeeper.data.point_in_time.of_users import WINDOWS
from shopkeeper.data.schema import EventType

Say = Callable[[float], str]


@dataclass(frozen=True)
class Words:
    """How one feature is spoken of.

    Attributes:
        title: Its name, for an axis or a table.
        say: What a known value says, without capital and full stop.
        unknown: What is said where there is no value.
    """

    title: str
    say: Say
    unknown: str


@cache
def feature_words() -> dict[str, Words]:
    """The words of every feature that `data.point_in_time` makes, by name of the column."""
    return _of_users() | _of_items() | _of_pairs() | _of_the_moment()


class Deed(NamedTuple):
    """How a type of event is spoken of: of the shopper, of the item, and of both, each also where it never was."""

    noun: str
    of_user: tuple[str, str]
    of_item: tuple[str, str]
    of_pair: tuple[str, str]


DEEDS = {
    EventType.IMPRESSION: Deed(
        "impression",
        ("items were shown to the shopper", "no item was shown to the shopper"),
        ("the item was shown", "the item was not shown to anybody"),
        ("this item was shown to the shopper", "this item was not shown to the shopper"),
    ),
    EventType.VIEW: Deed(
        "view",
        ("the shopper viewed items", "the shopper viewed nothing"),
        ("the item was viewed", "the item was not viewed by anybody"),
        ("the shopper viewed this item", "the shopper did not view this item"),
    ),
    EventType.LIKE: Deed(
        "like",
        ("the shopper liked items", "the shopper liked nothing"),
        ("the item was liked", "the item was not liked by anybody"),
        ("the shopper liked this item", "the shopper did not like this item"),
    ),
    EventType.CART: Deed(
        "cart",
        ("the shopper put items in the cart", "the shopper put nothing in the cart"),
        ("the item was put in a cart", "the item was not put in a cart by anybody"),
        ("the shopper put this item in the cart", "the shopper did not put this item in the cart"),
    ),
    EventType.PURCHASE: Deed(
        "purchase",
        ("the shopper bought items", "the shopper bought nothing"),
        ("the item was bought", "the item was not bought by anybody"),
        ("the shopper bought this item", "the shopper did not buy this item"),
    ),
    EventType.RETURN: Deed(
        "return",
        ("the shopper returned items", "the shopper returned nothing"),
        ("the item was returned", "the item was not returned by anybody"),
        ("the shopper returned this item", "the shopper did not return this item"),
    ),
    EventType.REMOVE_FROM_CART: Deed(
        "removal from the cart",
        ("the shopper took items out of the cart", "the shopper took nothing out of the cart"),
        ("the item was taken out of a cart", "the item was not taken out of a cart by anybody"),
        ("the shopper took this item out of the cart", "the shopper did not take this item out of the cart"),
    ),
}


def _of_users() -> dict[str, Words]:
    words = {
        "user_events": Words("events of the shopper", _counted("the shopper has {} so far", "event"), ""),
        "user_days_since_first": _since(
            "days since the first event of the shopper", "the first event of the shopper was {}", "the shopper is new",
        ),
        "user_days_since_last": _since(
            "days since the last event of the shopper", "the shopper was here last {}", "the shopper is new"
        ),
        "user_days_since_purchase": _since(
            "days since the last purchase of the shopper", "the shopper bought something last {}",
            "the shopper bought nothing so far",
        ),
        "user_spent": Words(
            "money spent by the shopper", lambda v: f"the shopper spent {amount(v) if v else 'nothing'} so far", ""
        ),
        "user_mean_price": Words(
            "mean price of what the shopper took", lambda v: f"what the shopper looks at costs {amount(v)} on average",
            "no price is known of what the shopper looked at",
        ),
        "user_items": Words("items of the shopper", _counted("the shopper knows {} so far", "item"), ""),
    }  # fmt: skip
    words |= _windows("user", "the shopper")
    for kind, deed in DEEDS.items():
        words[f"user_{kind.value}s"] = _times(*deed.of_user, "so far")
    for name, many in (("category", "categories"), ("brand", "brands")):
        words[f"user_{name}_concentration"] = _concentration(name, many)
    return words


def _of_items() -> dict[str, Words]:
    words = {
        "item_events": Words("events of the item", _counted("the item has {} so far", "event"), ""),
        "item_age_days": Words(
            "days since the item was new", lambda v: f"the item is {length(v)} old", "the item was never seen before"
        ),
        "item_days_since_last": _since(
            "days since the last event of the item",
            "the last event of the item was {}",
            "the item was never met by anybody before",
        ),
        "item_price": Words("price of the item", lambda v: f"the item costs {amount(v)}", "the price is not known"),
        "item_price_to_shop": _price("that of the shop", "what is usual in the shop"),
        "item_price_to_category": _price("that of its category", "what is usual in its category"),
    }
    words |= _windows("item", "the item")
    for kind, deed in DEEDS.items():
        words[f"item_{kind.value}s"] = _times(*deed.of_item, "so far")
    for before, after in STEPS:
        words[f"item_{after.value}_per_{before.value}"] = _rate(DEEDS[before].noun, DEEDS[after].noun)
    return words


def _of_pairs() -> dict[str, Words]:
    words = {
        "pair_events": Words(
            "events of the shopper with this item", _counted("the shopper has {} with this item", "event"), ""
        ),
        "pair_days_since_last": _since(
            "days since the shopper met this item", "the shopper met this item last {}",
            "the shopper never met this item before",
        ),
        "pair_price_to_usual": _price("what the shopper looks at", "what this shopper usually looks at"),
        "pair_similarity": Words(
            "likeness of the item to the history",
            lambda v: f"the item is like the latest of the shopper by {v:.2f} of at most 1",
            "there is nothing that the item could be compared with",
        ),
    }  # fmt: skip
    for kind, deed in DEEDS.items():
        words[f"pair_{kind.value}s"] = _times(*deed.of_pair, "before")
    for name in ("brand", "category", "department"):
        words[f"pair_{name}_share"] = _share(name)
        words[f"pair_{name}_days_since_last"] = _since(
            f"days since the shopper met its {name}", f"the shopper met the {name} of this item last {{}}",
            f"the shopper never met the {name} of this item before",
        )  # fmt: skip
    return words


def _of_the_moment() -> dict[str, Words]:
    fixed = {
        "hour": "the hour of the day", "hour_sin": "the hour of the day", "hour_cos": "the hour of the day",
        "weekday": "the day of the week", "weekday_sin": "the day of the week", "weekday_cos": "the day of the week",
        "placement": "the place where the item is shown", "shown_at": "the place where the item is shown",
        "history": "what the shopper did before, in its order", "item": "which item it is",
        "brand": "the brand of the item", "category": "the category of the item",
        "department": "the department of the item",
    }  # fmt: skip
    return {name: Words(title, lambda _, said=title: said, title) for name, title in fixed.items()}  # type: ignore[misc]


def _times(done: str, not_done: str, when: str) -> Words:
    """How often something happened."""

    def say(value: float) -> str:
        times = round(value)
        often = {1: "once", 2: "twice"}.get(times, f"{times:,} times")
        return f"{done} {often} {when}" if times else f"{not_done} {when}"

    return Words(f"how often {done}", say, "")


def _counted(pattern: str, noun: str) -> Say:
    """A number of things in a sentence."""
    return lambda value: pattern.format(f"no {noun}" if round(value) == 0 else _plural(round(value), noun))


def _windows(kind: str, whose: str) -> dict[str, Words]:
    return {
        f"{kind}_events_{days}d": Words(
            f"events of {whose} in {days} days", _counted(f"{whose} has {{}} in the last {days} days", "event"), ""
        )
        for days in WINDOWS
    }


def _since(title: str, pattern: str, never: str) -> Words:
    """How long ago something was."""
    return Words(title, lambda value: pattern.format(f"{length(value)} ago"), never)


def _price(title: str, than: str) -> Words:
    """A logarithm of a ratio of prices."""

    def say(value: float) -> str:
        ratio = math.exp(min(value, 50.0))
        if 0.95 < ratio < 1.05:
            return f"the item costs about {than}"
        if ratio >= 2:
            return f"the item costs {ratio:.1f} times {than}"
        return f"the item is {abs(ratio - 1):.0%} {'dearer' if ratio > 1 else 'cheaper'} than {than}"

    return Words(f"price beside {title}", say, f"it is not known how dear the item is beside {than}")


def _rate(before: str, after: str) -> Words:
    """Events of one type for each of another, smoothed."""
    return Words(
        f"{after}s for each {before} of the item",
        lambda value: f"the item has {_short(value * 100)} {after}s for every 100 {before}s",
        f"nothing is known of {after}s for each {before}",
    )


def _share(name: str) -> Words:
    return Words(
        f"share of the events with its {name}",
        lambda value: (
            f"of the events of the shopper {f'{value:.0%}' if value else 'none'} are of the {name} of this item"
        ),
        f"nothing is known of the {name} of this item and the shopper",
    )


def _concentration(name: str, many: str) -> Words:
    """The inverse of a sum of squared shares is a number of equally large parts."""

    def say(value: float) -> str:
        n = 1 / max(value, 1e-6)
        return f"the shopper keeps to one {name}" if n < 1.05 else f"the shopper spreads over about {n:.1f} {many}"

    return Words(f"how much the shopper keeps to one {name}", say, f"no {name} is known of the shopper")


def amount(value: float) -> str:
    """A sum of money without its currency: ``12.50``, ``1,250``; millions are rounded (features have seven digits)."""
    if abs(value) >= 1e6:
        return f"about {float(f'{value:.4g}'):,.0f}"
    return f"{value:,.2f}" if abs(value) < 1000 else f"{value:,.0f}"


def length(days: float) -> str:
    """A length of time: ``3 minutes``, ``5 hours``, ``2 days``."""
    if days < 1 / 24:
        return _plural(max(1, round(days * 24 * 60)), "minute")
    if days < 1:
        return _plural(round(days * 24), "hour")
    return _plural(round(days), "day")


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _plural(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"

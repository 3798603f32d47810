"""What lists leave out of a shopper's own items: what was bought, what was seen, and for how long.

Bought is not viewed: shoppers look at an item again and again until they buy it, and many goods are bought once. So the
training part decides by repeats of purchases where there are purchases, by category where one has enough of them, and
by repeats of interest where there are none. One policy is used by models, pipelines, evaluation and service alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final, Self, TypeAlias

import numpy as np
from pydantic import Field, model_validator

from shopkeeper.config import Settings, build
from shopkeeper.data.histories import Histories
from shopkeeper.data.repeats import HIDE_BELOW, Repurchases, repeat_share
from shopkeeper.data.schema import CATEGORY, CATEGORY_SEPARATOR, EventType
from shopkeeper.errors import ConfigError, choices
from shopkeeper.types import BoolArray, Float64Array, Int32Array, Int64Array

if TYPE_CHECKING:
    from shopkeeper.data.catalog import Catalog
    from shopkeeper.data.dataset import Dataset
    from shopkeeper.data.vocabulary import Vocabulary

DAY: Final = 86_400_000_000
"""Microseconds."""
NEVER_ENDING: Final = 2**62
"""A moment at which only what is hidden for ever is hidden."""
MIN_PURCHASES: Final = 100
"""A category with fewer purchases in training is hidden as the one above it."""
Days = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Hide(StrEnum):
    """Which of a shopper's own items do not come out."""

    BOUGHT = "bought"
    SEEN = "seen"
    NONE = "none"


class HidingSettings(Settings):
    """What is hidden of a shopper's own items, where the training data shall not decide."""

    hide: Hide | None = None
    """Which of a shopper's own items do not come out: what was `bought`, all that was `seen` (bought, viewed, liked,
    put in the cart), or `none`. None does what repeats in the training part suggest."""
    hide_after: Days | None = None
    """Days after the last such event until the item may come out again. None hides for ever, or, where `hide` is left
    open too, as long as the training part suggests."""
    hide_seen: bool | None = None
    """The older way to say `hide`: true is `seen`, false is `none`."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        hide_of(self.hide, self.hide_seen)
        return self

    @property
    def asked_hide(self) -> Hide | None:
        """What `hide` or `hide_seen` says, None where both leave it open."""
        return hide_of(self.hide, self.hide_seen)


def hide_of(hide: Hide | str | None, hide_seen: bool | None) -> Hide | None:
    """What both ways to say it mean together.

    Raises:
        ConfigError: They contradict each other, or there is no such word.
    """
    if hide is not None and hide not in tuple(Hide):
        raise ConfigError(f"hide={hide!r} says nothing", expected=choices(str(hide), [one.value for one in Hide]))
    said = None if hide is None else Hide(hide)
    older = None if hide_seen is None else Hide.SEEN if hide_seen else Hide.NONE
    if said is not None and older is not None and said is not older:
        raise ConfigError(
            "hide and hide_seen contradict each other", expected=f"hide_seen left out, or hide={older.value}",
            got=f"hide={said.value}, hide_seen={str(hide_seen).lower()}", remedy="give hide alone",
        )  # fmt: skip
    return said if said is not None else older


def stored_policy(stored: Mapping[str, Any] | None, hide_seen: bool) -> HidingPolicy:
    """The policy that was saved with a model; of one that was saved before there were policies, what it said then."""
    if stored is None:
        return HidingPolicy(hide=Hide.SEEN if hide_seen else Hide.NONE)
    return build(HidingPolicy, stored)


class HidingPolicy(Settings):
    """What is hidden of a shopper's own items, and how long. What was bought follows the rule of purchases alone."""

    hide: Hide
    """Which items."""
    bought_days: Days | None = None
    """Days after a purchase until the item may come out again; None is never."""
    category_days: dict[str, Days | None] = Field(default_factory=dict)
    """The same for categories, by the start of their path; of several the longest counts."""
    seen_days: Days | None = None
    """Days after the last event until an item that was seen and not bought may come out again; None is never."""

    def __hash__(self) -> int:
        return hash((self.hide, self.bought_days, self.seen_days, tuple(self.category_days)))

    def asked(self, hide: Hide | None, hide_after: float | None = None) -> HidingPolicy:
        """This policy with what a request or a setting says over it."""
        if hide is None and hide_after is None:
            return self
        return HidingPolicy(hide=self.hide if hide is None else hide, bought_days=hide_after, seen_days=hide_after)

    @property
    def words(self) -> str:
        """What is hidden, for tables: ``bought items are hidden for 3 days, in 2 categories for ever``."""
        if self.hide is Hide.NONE:
            return "items already seen are not hidden"
        told = "bought items are hidden" + _for(self.bought_days)
        if self.hide is Hide.SEEN:
            told = "items already seen are hidden" + _for(self.seen_days)
            if self.bought_days != self.seen_days:
                told += ", bought ones" + (_for(self.bought_days) or " for ever")
        ever = sum(days is None for days in self.category_days.values())
        again = len(self.category_days) - ever
        parts = [f"in {n} categories {how}" for n, how in ((ever, "for ever"), (again, "for a time")) if n]
        return ", ".join([told, *parts])

    @staticmethod
    def learned(train: Dataset) -> HidingPolicy:
        """What the training part suggests.

        What is bought is hidden for ever where fewer than 5 % of the purchases repeat one, and otherwise for as long as
        fewer than 1 % of them do. Items that were merely seen are hidden where fewer than 5 % of all events of interest
        come back to one.
        """
        types = np.asarray(train.histories.event_type)
        comes_back = repeat_share(train.histories) >= HIDE_BELOW
        if not (types == EventType.PURCHASE.code).any():
            return HidingPolicy(hide=Hide.NONE if comes_back else Hide.SEEN)
        bought = Repurchases.of(train.histories)
        days = bought.hidden_days()
        by_category = _days_by_category(bought, train)
        comes_back |= days is not None and bool((types == EventType.PURCHASE.code).all())
        if comes_back and days == 0 and None not in by_category.values():
            return HidingPolicy(hide=Hide.NONE)
        return HidingPolicy(hide=Hide.BOUGHT if comes_back else Hide.SEEN, bought_days=days, category_days=by_category)

    def rule(self, catalog: Catalog | None, items: Vocabulary) -> HidingRule:
        """The policy for the items of a vocabulary."""
        usual = _days(self.bought_days)
        days: Float64Array = np.broadcast_to(usual, len(items) + 1)
        if self.category_days:
            code, paths = _paths(catalog, items)
            days = np.array([*(self._days_of(path) for path in paths), usual])[code]
        for_ever = not self.category_days and self.bought_days is None and self.seen_days is None
        return HidingRule(self.hide, days, _days(self.seen_days), for_ever)

    def _days_of(self, path: str) -> float:
        for start in reversed(starts_of_path(path)):
            if start in self.category_days:
                return _days(self.category_days[start])
        return _days(self.bought_days)


Hiding: TypeAlias = Hide | HidingPolicy | None
"""What a question says of hiding: which items, for ever; a whole policy; or nothing, which leaves it to the model."""


@dataclass(frozen=True)
class HidingRule:
    """A policy for the items of one vocabulary.

    Attributes:
        hide: Which items.
        bought_days: float64 [n_items + 1]; days after a purchase until each may come out again, infinity for never.
        seen_days: Days after the last event until an item that was seen and not bought may.
        for_ever: Whether nothing of it ever ends.
    """

    hide: Hide
    bought_days: Float64Array
    seen_days: float
    for_ever: bool

    def hides(self, histories: Histories, moments: Int64Array | None = None) -> BoolArray:
        """Which events hide their item, bool [events].

        Args:
            histories: Settled events of n shoppers (see `Dataset.settled`).
            moments: int64 [n]; as of when, Unix microseconds; None is at the last event of each.
        """
        types, items = np.asarray(histories.event_type), np.asarray(histories.item_index)
        if self.hide is Hide.NONE or not len(items):
            return np.zeros(len(items), dtype=bool)
        bought: BoolArray = types == EventType.PURCHASE.code
        if self.for_ever:
            return bought if self.hide is Hide.BOUGHT else np.ones(len(items), dtype=bool)
        age = _days_since(histories, moments)
        hidden: BoolArray = bought & (age < self.bought_days[items])
        if self.hide is Hide.SEEN:
            pair = histories.rows * len(self.bought_days) + items
            hidden |= ~np.isin(pair, pair[bought]) & (age < self.seen_days)
        return hidden


def in_cart(histories: Histories, days: float | None, moments: Int64Array | None = None) -> BoolArray:
    """Which events put an item in the cart that still lies there, bool [events]: it was not bought since.

    Args:
        histories: Settled events of n shoppers, so that what was taken out of the cart is left out.
        days: After so many days a cart counts as left behind; None is never.
        moments: int64 [n]; as of when, Unix microseconds; None is at the last event of each.
    """
    types, items = np.asarray(histories.event_type), np.asarray(histories.item_index)
    carted: BoolArray = types == EventType.CART.code
    if not carted.any():
        return carted
    if days is not None:
        carted &= _days_since(histories, moments) < days
    pair = histories.rows * (int(items.max()) + 1) + items
    place = np.arange(len(items))
    bought = types == EventType.PURCHASE.code
    last: Int64Array = np.full(len(items), -1, dtype=np.int64)
    number = np.unique(pair, return_inverse=True)[1]
    np.maximum.at(last, number[bought], place[bought])
    result: BoolArray = carted & (last[number] < place)
    return result


def _for(days: float | None) -> str:
    return "" if days is None else f" for {days:.3g} days"


def _days(days: float | None) -> float:
    return np.inf if days is None else days


def _days_since(histories: Histories, moments: Int64Array | None) -> Float64Array:
    """Days from each event to the moment of its shopper, float64 [events]."""
    time = np.asarray(histories.timestamp)
    if moments is None:
        ends = np.asarray(histories.offsets[1:]) - int(histories.offsets[0])
        moments = time[np.maximum(ends, 1) - 1]
    return (moments[histories.rows] - time) / DAY


def starts_of_path(path: str) -> list[str]:
    """A category path and those above it, the widest first."""
    steps = path.split(CATEGORY_SEPARATOR)
    return [CATEGORY_SEPARATOR.join(steps[:n]) for n in range(1, len(steps) + 1)]


def _paths(catalog: Catalog | None, items: Vocabulary) -> tuple[Int32Array, list[str]]:
    """Number of the category path of each item, int32 [n_items + 1], -1 where unknown, and the distinct paths."""
    import pyarrow as pa
    import pyarrow.compute as pc

    code = np.full(len(items) + 1, -1, dtype=np.int32)
    if catalog is None or CATEGORY not in catalog.table.column_names:
        return code, []
    column = catalog.aligned(items).column(CATEGORY).combine_chunks().cast(pa.large_string()).dictionary_encode()
    code[1:] = pc.fill_null(column.indices, -1).to_numpy(zero_copy_only=False)
    return code, column.dictionary.to_pylist()


def _days_by_category(bought: Repurchases, train: Dataset) -> dict[str, float | None]:
    """Categories that differ from the one above them in whether goods are bought again, and their days."""
    code, paths = _paths(train.catalog, train.items)
    members: dict[str, list[int]] = {}
    for place, path in enumerate(paths):
        for start in starts_of_path(path):
            members.setdefault(start, []).append(place)
    of_path = bought.by_group(code[bought.item_index], len(paths))
    found: dict[str, float | None] = {}
    for start in sorted(members, key=lambda path: path.count(CATEGORY_SEPARATOR)):
        gaps = np.concatenate([of_path[place] for place in members[start]])
        above = next((found[one] for one in reversed(starts_of_path(start)[:-1]) if one in found), bought.hidden_days())
        if len(gaps) >= MIN_PURCHASES:
            days = Repurchases.days_of(gaps)
            if (days is None) != (above is None):
                found[start] = days
    return found

"""Which items may come out: on sale, in the category and price range asked for, not seen, not in the cart."""

from __future__ import annotations

import numpy as np

from shopkeeper.data.hiding import HidingRule, in_cart
from shopkeeper.pipeline.asking import Ask, Filters
from shopkeeper.pipeline.facts import ItemFacts
from shopkeeper.types import BoolArray, Int32Array


def allowed_items(filters: Filters, facts: ItemFacts) -> BoolArray | None:
    """The items that pass the filters that are the same for every shopper.

    Args:
        filters: What was asked.
        facts: Of all items.

    Returns:
        bool [n_items + 1], read-only, or None where all pass.
    """
    masks = []
    if filters.available and not facts.available[1:].all():
        masks.append(facts.available)
    if filters.category is not None:
        masks.append(facts.in_category(filters.category))
    if filters.price_min is not None:
        masks.append(facts.prices >= filters.price_min)
    if filters.price_max is not None:
        masks.append(facts.prices <= filters.price_max)
    if filters.currency is not None:
        masks.append(facts.priced_in(filters.currency))
    if not masks:
        return None
    allowed: BoolArray = masks[0] if len(masks) == 1 else np.logical_and.reduce(masks)
    return allowed


def hidden_items(ask: Ask, rule: HidingRule, cart_days: float | None) -> Int32Array:
    """The items that must not come out for this shopper, int32 of any length.

    Args:
        ask: The question; all events of its history count, however many of them models read.
        rule: What is hidden of the shopper's own items.
        cart_days: Days that an item in the cart stays hidden; None until it is bought or taken out.
    """
    history = ask.history
    moments = None if ask.moment is None else np.array([ask.moment])
    hides = rule.hides(history, moments)
    if not ask.filters.in_cart:
        hides = hides | in_cart(history, cart_days, moments)
    own = np.unique(np.asarray(history.item_index)[hides])
    hidden: Int32Array = np.concatenate([ask.exclude, own])
    return hidden

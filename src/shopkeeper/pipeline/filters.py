"""Which items may come out: on sale, in the category and price range asked for, not seen, not in the cart."""

from __future__ import annotations

import numpy as np

from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
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
    if not masks:
        return None
    allowed: BoolArray = masks[0] if len(masks) == 1 else np.logical_and.reduce(masks)
    return allowed


def hidden_items(ask: Ask, hide_seen: bool) -> Int32Array:
    """The items that must not come out for this shopper, int32 of any length.

    Args:
        ask: The question.
        hide_seen: Hide items of the history where the question leaves it open.
    """
    hidden = [ask.exclude]
    if hide_seen if ask.filters.hide_seen is None else ask.filters.hide_seen:
        hidden.append(ask.history.item_index)
    elif not ask.filters.in_cart:
        hidden.append(items_in_cart(ask.history))
    return hidden[0] if len(hidden) == 1 else np.concatenate(hidden)


def items_in_cart(history: Histories) -> Int32Array:
    """Items put in the cart and not bought or returned since, int32; `history` holds one shopper."""
    carted = history.event_type == EventType.CART.code
    if not carted.any():
        return history.item_index[:0]
    settled = np.isin(history.event_type, (EventType.PURCHASE.code, EventType.RETURN.code))
    ends = {int(item): place for place, item in zip(np.flatnonzero(settled), history.item_index[settled], strict=True)}
    places = zip(np.flatnonzero(carted), history.item_index[carted], strict=True)
    return np.array(sorted({int(item) for place, item in places if ends.get(int(item), -1) < place}), dtype=np.int32)

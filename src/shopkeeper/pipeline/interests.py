"""The answer for a shopper who did nothing yet and is said to like some categories: what is popular there, in turn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from shopkeeper.data.categories import category_key
from shopkeeper.data.schema import CATEGORY_SEPARATOR
from shopkeeper.pipeline.asking import Ask
from shopkeeper.pipeline.facts import ItemFacts
from shopkeeper.recommenders.candidates import Eligible
from shopkeeper.types import Int32Array

if TYPE_CHECKING:
    from shopkeeper.pipeline.pipeline import Pipeline


def interesting_items(pipeline: Pipeline, ask: Ask, eligible: Eligible) -> Int32Array:
    """The most popular items of each interest, one of each in turn; interests without an item are passed over.

    Args:
        pipeline: Knows the categories and what is popular.
        ask: Its interests are categories, in any writing.
        eligible: What may come out for this shopper.

    Returns:
        int32 [m] items, each once; none where the shopper did something already, which tells more.
    """
    if ask.history.n_events or not ask.interests:
        return np.zeros(0, dtype=np.int32)
    popular, nobody = pipeline.fallbacks[-1], np.zeros(1, dtype=np.int32)
    n = min(ask.k, pipeline.train.n_items)
    lists = []
    for interest in dict.fromkeys(ask.interests):
        inside = pipeline.facts.in_category(interest)
        within = replace(eligible, allowed=inside if eligible.allowed is None else inside & eligible.allowed)
        lists.append(popular.candidates(nobody, ask.history, n, within).item_index[0])
    width = max(len(row) for row in lists)
    in_turn = np.stack([np.pad(row, (0, width - len(row))) for row in lists]).T.ravel()
    in_turn = in_turn[in_turn > 0]
    _, first = np.unique(in_turn, return_index=True)
    found: Int32Array = in_turn[np.sort(first)].astype(np.int32)
    return found


def interest_of(facts: ItemFacts, category: str | None, interests: tuple[str, ...]) -> str | None:
    """The first interest that a category path lies in, as the shop spells it, or None."""
    if category is None:
        return None
    path = category_key(category) + CATEGORY_SEPARATOR
    named = (facts.category_names.named(interest) for interest in interests)
    return next((one for one in named if one and path.startswith(category_key(one) + CATEGORY_SEPARATOR)), None)

"""Why an item was chosen: the events of the history without which the model would score it lowest.

Evidence is found by leaving out (occlusion, as in Zeiler and Fergus, "Visualizing and understanding convolutional
networks", ECCV 2014): the model that gave the item scores it again without each item of the history that it read. A
reason says of this evidence, and of the item, only what the log has: "bought" of what was bought, "often next" of pairs
that were counted in this order. What rests on no event is for the caller to explain.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from shopkeeper.data.hiding import in_cart
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.pipeline.asking import Reason, ReasonKind
from shopkeeper.pipeline.facts import ItemFacts
from shopkeeper.recommenders.base import Recommender
from shopkeeper.types import Float32Array, Int32Array, Int64Array

LEAST_WEIGHT = 0.02
"""Evidence that takes less than this share of the score with it is none."""
BESIDE_SHARE = 0.5
"""Further evidence is named where it weighs at least this share of the first."""
MOST_EVIDENCE = 3
"""At most so many items are named."""
OFTEN: Final = 2
"""What came so often after an item is often next; once is chance."""
BLOCK_EVENTS: Final = 1 << 18
"""Histories that lack an item are scored in batches of at most so many events."""


def occlusion(
    model: Recommender, user_index: int, history: Histories, item_index: Int32Array, evidence_items: int | None
) -> tuple[Int32Array, Float32Array]:
    """How much each item of a history speaks for each recommended one.

    Args:
        model: The recommender whose scores are explained.
        user_index: The shopper.
        history: One row.
        item_index: int32 [k]; the recommended items.
        evidence_items: Distinct items of the history that are tried, the most recent ones; None tries all.

    Returns:
        The items tried, int32 [e], and float32 [e, k]: the share of the recommended item's score (for logits: of its
        odds) that is gone without the item of the history; 0 where the score does not fall.
    """
    read = model.read_events(history)
    recent, places = np.unique(read.item_index[::-1], return_index=True)
    tried = recent[np.argsort(places, kind="stable")][:evidence_items].astype(np.int32)
    left_out = np.concatenate([[0], tried])
    size = max(1, BLOCK_EVENTS // max(1, read.n_events))
    parts = [
        _without(model, user_index, read, item_index, left_out[start : start + size])
        for start in range(0, len(left_out), size)
    ]
    scores = np.concatenate(parts)
    return tried, _lost(scores[0], scores[1:], model.logits)


def _without(
    model: Recommender, user_index: int, history: Histories, item_index: Int32Array, left_out: Int64Array
) -> Float32Array:
    """Scores of items (int32 [k]) where a history lacks one item (int64 [e]; 0 for none), float32 [e, k]."""
    copies = history.take(np.zeros(len(left_out), dtype=np.int64))
    kept = copies.where(copies.item_index != np.repeat(left_out, copies.lengths))
    users = np.full(len(left_out), user_index, dtype=np.int32)
    return model.score_items(users, kept, np.tile(item_index, (len(left_out), 1)))


def _lost(whole: Float32Array, without: Float32Array, logits: bool) -> Float32Array:
    """Share of the scores (float32 [k]) that is gone in each row of `without` (float32 [e, k])."""
    with np.errstate(invalid="ignore", divide="ignore"):
        left = np.exp(without - whole) if logits else np.maximum(without, 0) / whole
    lost: Float32Array = np.clip(np.nan_to_num(1 - left, nan=0.0), 0, 1).astype(np.float32)
    lost[:, ~np.isfinite(whole)] = 0
    return lost


def reasons(
    model: Recommender, user_index: int, history: Histories, item_index: Int32Array, evidence_items: int | None
) -> list[Reason | None]:
    """A reason for each item (int32 [k]) that a model chose from a history (one row, not empty).

    None where the item rests on no event of the history, and is not in it.
    """
    tried, lost = occlusion(model, user_index, history, item_index, evidence_items)
    return [_reason(model, history, int(item), tried, lost[:, place]) for place, item in enumerate(item_index)]


def _reason(model: Recommender, history: Histories, item: int, tried: Int32Array, lost: Float32Array) -> Reason | None:
    order: Int64Array = np.argsort(-lost, kind="stable")[:MOST_EVIDENCE]
    first = float(lost[order[0]]) if len(order) else 0.0
    if item in history.item_index and (first < LEAST_WEIGHT or tried[order[0]] == item):
        return Reason(_before(history, item), (item,), weight=first)
    if first < LEAST_WEIGHT:
        return Reason(ReasonKind.BY_HISTORY) if first > 0 else None
    named = np.array([tried[place] for place in order if lost[place] >= max(BESIDE_SHARE * first, LEAST_WEIGHT)])
    named = named[named != item].astype(np.int32)
    often = model.times_followed(named, item) >= OFTEN
    if often[0]:
        return Reason(ReasonKind.OFTEN_NEXT, tuple(named[often].tolist()), weight=first)
    kinds = [_because(history, one) for one in named.tolist()]
    alike = tuple(one for one, kind in zip(named.tolist(), kinds, strict=True) if kind == kinds[0])
    return Reason(kinds[0], alike, weight=first)


def _before(history: Histories, item: int) -> ReasonKind:
    """What the shopper did with an item that is recommended again."""
    own = np.asarray(history.item_index) == item
    types = set(np.asarray(history.event_type)[own].tolist())
    if len(np.unique(np.asarray(history.timestamp)[own])) > 1:
        return ReasonKind.AGAIN
    if EventType.PURCHASE.code in types:
        return ReasonKind.BOUGHT_BEFORE
    return ReasonKind.VIEWED_BEFORE if EventType.VIEW.code in types else ReasonKind.IN_HISTORY


def _because(history: Histories, item: int) -> ReasonKind:
    """What the shopper did with an item that speaks for another one: the strongest that holds."""
    types = set(np.asarray(history.event_type)[np.asarray(history.item_index) == item].tolist())
    if EventType.PURCHASE.code in types:
        return ReasonKind.BECAUSE_BOUGHT
    if item in np.asarray(history.item_index)[in_cart(history, None)]:
        return ReasonKind.BECAUSE_IN_CART
    if EventType.LIKE.code in types:
        return ReasonKind.BECAUSE_LIKED
    return ReasonKind.BECAUSE_VIEWED if EventType.VIEW.code in types else ReasonKind.BECAUSE_OF


_SENTENCES = {
    ReasonKind.BECAUSE_VIEWED: "because you viewed {items}",
    ReasonKind.BECAUSE_LIKED: "because you liked {items}",
    ReasonKind.BECAUSE_IN_CART: "because you have {items} in your cart",
    ReasonKind.BECAUSE_BOUGHT: "because you bought {items}",
    ReasonKind.BECAUSE_OF: "because of {items} in your history",
    ReasonKind.OFTEN_NEXT: "often next after {items}",
    ReasonKind.AGAIN: "you come back to it",
    ReasonKind.BOUGHT_BEFORE: "you bought it before",
    ReasonKind.VIEWED_BEFORE: "you viewed it before",
    ReasonKind.IN_HISTORY: "it is in your history",
    ReasonKind.BY_HISTORY: "by your history as a whole",
    ReasonKind.POPULAR_IN: "popular in {category}",
    ReasonKind.POPULAR: "popular in the shop",
    ReasonKind.MORE_IN: "more from {category}",
    ReasonKind.MORE: "more from the shop",
}
NAMED: Final = 2
"""A sentence names at most so many items."""


def sentence(reason: Reason, facts: ItemFacts, names: dict[int, str]) -> str:
    """A reason in English.

    Args:
        reason: What to say.
        facts: Titles of the items; of those with one title the first is named.
        names: What to call an item that has no title, by index: its id.
    """
    titles = dict.fromkeys(facts.title(item) or names.get(item, "") for item in reason.evidence)
    return _SENTENCES[reason.kind].format(items=" and ".join(list(titles)[:NAMED]), category=reason.category)

"""Why an item was chosen: the events of the history without which the model would score it lowest.

Evidence is found by leaving out (occlusion, as in Zeiler and Fergus, "Visualizing and understanding convolutional
networks", ECCV 2014): the model that gave the item scores it again without each item of the history. What it does not
rest on the history is explained by popularity.
"""

from __future__ import annotations

import numpy as np

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

_BECAUSE = {
    EventType.PURCHASE.code: ReasonKind.BECAUSE_BOUGHT,
    EventType.CART.code: ReasonKind.BECAUSE_IN_CART,
    EventType.LIKE.code: ReasonKind.BECAUSE_LIKED,
}


def occlusion(
    model: Recommender, user_index: int, history: Histories, item_index: Int32Array, evidence_items: int
) -> tuple[Int32Array, Float32Array]:
    """How much each item of a history speaks for each recommended one.

    Args:
        model: The recommender whose scores are explained.
        user_index: The shopper.
        history: One row.
        item_index: int32 [k]; the recommended items.
        evidence_items: Distinct items of the history that are tried, the most recent ones.

    Returns:
        The items tried, int32 [e], and float32 [e, k]: the share of the recommended item's score (for logits: of its
        odds) that is gone without the item of the history; 0 where the score does not fall.
    """
    recent, places = np.unique(history.item_index[::-1], return_index=True)
    tried = recent[np.argsort(places, kind="stable")][:evidence_items].astype(np.int32)
    copies = history.take(np.zeros(len(tried) + 1, dtype=np.int64))
    left_out = np.concatenate([[0], tried])
    kept = copies.where(copies.item_index != np.repeat(left_out, copies.lengths))
    users = np.full(len(left_out), user_index, dtype=np.int32)
    scores = model.score_items(users, kept, np.tile(item_index, (len(left_out), 1)))
    return tried, _lost(scores[0], scores[1:], model.logits)


def _lost(whole: Float32Array, without: Float32Array, logits: bool) -> Float32Array:
    """Share of the scores (float32 [k]) that is gone in each row of `without` (float32 [e, k])."""
    with np.errstate(invalid="ignore", divide="ignore"):
        left = np.exp(without - whole) if logits else np.maximum(without, 0) / whole
    lost: Float32Array = np.clip(np.nan_to_num(1 - left, nan=0.0), 0, 1).astype(np.float32)
    lost[:, ~np.isfinite(whole)] = 0
    return lost


def reasons(
    model: Recommender, user_index: int, history: Histories, item_index: Int32Array, evidence_items: int
) -> list[Reason]:
    """A reason for each item (int32 [k]) that a model chose from a history (one row, not empty)."""
    tried, lost = occlusion(model, user_index, history, item_index, evidence_items)
    return [_reason(model, history, int(item), tried, lost[:, place]) for place, item in enumerate(item_index)]


def _reason(model: Recommender, history: Histories, item: int, tried: Int32Array, lost: Float32Array) -> Reason:
    order: Int64Array = np.argsort(-lost, kind="stable")[:MOST_EVIDENCE]
    first = float(lost[order[0]])
    if first < LEAST_WEIGHT:
        return Reason(ReasonKind.AGAIN if item in history.item_index else ReasonKind.POPULAR)
    named = [int(tried[place]) for place in order if lost[place] >= max(BESIDE_SHARE * first, LEAST_WEIGHT)]
    if named[0] == item:
        return Reason(ReasonKind.AGAIN, (item,), weight=first)
    named = [one for one in named if one != item]
    if model.follows:
        return Reason(ReasonKind.OFTEN_NEXT, tuple(named), weight=first)
    strongest = int(history.event_type[history.item_index == named[0]].max())
    return Reason(_BECAUSE.get(strongest, ReasonKind.BECAUSE_VIEWED), tuple(named), weight=first)


_SENTENCES = {
    ReasonKind.BECAUSE_VIEWED: "because you viewed {items}",
    ReasonKind.BECAUSE_LIKED: "because you liked {items}",
    ReasonKind.BECAUSE_IN_CART: "because {items} is in your cart",
    ReasonKind.BECAUSE_BOUGHT: "because you bought {items}",
    ReasonKind.OFTEN_NEXT: "often next after {items}",
    ReasonKind.AGAIN: "you come back to it",
    ReasonKind.POPULAR_IN: "popular in {category}",
    ReasonKind.POPULAR: "popular in the shop",
}


def sentence(reason: Reason, facts: ItemFacts, names: dict[int, str]) -> str:
    """A reason in English.

    Args:
        reason: What to say.
        facts: Titles of the items.
        names: What to call an item that has no title, by index: its id.
    """
    titles = [facts.title(item) or names.get(item, "") for item in reason.evidence[:2]]
    return _SENTENCES[reason.kind].format(items=" and ".join(titles), category=reason.category)

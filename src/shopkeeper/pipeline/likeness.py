"""Which recommender of a pipeline says what an item is like.

It is the one whose neighbors of a shopper's last item hold most of what that shopper took next: vectors of a network
that learned for moments lose against counting.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shopkeeper.data.holdout import Holdout
from shopkeeper.errors import ShopkeeperError
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.validation import ndcg, sample_holdout
from shopkeeper.types import Float32Array, Int32Array

MOST_SHOPPERS = 500
"""So many shoppers decide."""


def likeness_order(recommenders: Sequence[Recommender], validation: Holdout | None, seed: int = 0) -> list[int]:
    """Places of the recommenders that know a similarity of items, the best one first.

    Args:
        recommenders: Fitted ones.
        validation: Questions by which they are compared; without any they stay in their order.
        seed: Which shoppers are asked.
    """
    able = [place for place, model in enumerate(recommenders) if _knows_similarity(model)]
    if validation is None or not len(validation) or len(able) < 2:
        return able
    asked = sample_holdout(validation, MOST_SHOPPERS, seed)
    asked = asked.take(np.flatnonzero(asked.histories.lengths > 0))
    return sorted(able, key=lambda place: -_worth(recommenders[place], asked))


def similarity_of(recommenders: Sequence[Recommender], order: Sequence[int], item_index: Int32Array) -> Float32Array:
    """Similarities by the first recommender of the order that knows anything of an item, float32 [b, n_items + 1].

    Args:
        recommenders: Fitted ones.
        order: Places of those that know a similarity.
        item_index: int32 [b].

    Raises:
        ShopkeeperError: None of them knows a similarity.
    """
    if not order:
        return recommenders[0].similarity(item_index)
    similar = recommenders[order[0]].similarity(item_index)
    for place in order[1:]:
        silent = np.flatnonzero(_without_own(similar, item_index).max(axis=1) == -np.inf)
        if not len(silent):
            break
        similar[silent] = recommenders[place].similarity(item_index[silent])
    return similar


def _knows_similarity(model: Recommender) -> bool:
    try:
        model.similarity(np.array([1], dtype=np.int32))
    except ShopkeeperError:
        return False
    return True


def _worth(model: Recommender, asked: Holdout) -> float:
    """Mean NDCG@10 of the neighbors of each shopper's last item."""
    total = 0.0
    for start, batch in asked.histories.batches(model.batch_size()):
        last = np.asarray(batch.item_index)[np.asarray(batch.offsets[1:]) - 1].astype(np.int32)
        scores = _without_own(model.similarity(last), last)
        total += float(ndcg(scores, asked.targets.slice(start, start + len(batch))).sum())
    return total / max(1, len(asked))


def _without_own(similar: Float32Array, item_index: Int32Array) -> Float32Array:
    scores = similar.copy()
    scores[:, 0] = -np.inf
    scores[np.arange(len(scores)), item_index] = -np.inf
    return scores

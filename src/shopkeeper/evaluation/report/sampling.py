"""Draws example shoppers: some with a hit, some without, by a seed, and knows how many of each there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shopkeeper.data.holdout import Holdout
from shopkeeper.recommenders.base import Recommender
from shopkeeper.types import BoolArray, Int32Array, Int64Array

POOL = 400
"""Example shoppers are drawn from a sample of so many, so that a page takes seconds whatever the size of the log."""


@dataclass(frozen=True)
class Drawn:
    """Example shoppers.

    Attributes:
        places: int64 [n]; rows of the holdout.
        hit: bool [n]; whether the model hits a held-out item of the shopper.
        pool: Number of shoppers they were drawn from.
        pool_hits: How many of those have a hit.
    """

    places: Int64Array
    hit: BoolArray
    pool: int
    pool_hits: int


def draw(model: Recommender, holdout: Holdout, k: int, n: int, seed: int) -> Drawn:
    """Draws `n` shoppers, half of them (rounded up) with a hit where there are so many.

    Args:
        model: The model whose hits count.
        holdout: Questions; shoppers without a held-out event are not drawn.
        k: Length of the list.
        n: How many.
        seed: Seed of the draw.
    """
    generator = np.random.default_rng(seed)
    asked = np.flatnonzero(holdout.targets.lengths > 0)
    pool = generator.permutation(asked)[:POOL]
    hits = hits_of(model, holdout.take(pool), k)
    winners, losers = pool[hits], pool[~hits]
    n_winners = min(len(winners), max(-(-n // 2), n - len(losers)))
    chosen = np.concatenate([winners[:n_winners], losers[: n - n_winners]])[:n]
    return Drawn(chosen, np.isin(chosen, winners), len(pool), int(hits.sum()))


def lists(model: Recommender, holdout: Holdout, k: int) -> Int32Array:
    """Recommended items for every question, int32 [n, k], 0 where there are fewer."""
    moments = holdout.moments
    parts = [
        model.rank(
            holdout.user_index[start : start + len(batch)], batch, k, moments=moments[start : start + len(batch)]
        )[0]
        for start, batch in holdout.histories.batches(model.batch_size())
    ]
    return np.concatenate(parts) if parts else np.zeros((0, k), dtype=np.int32)


def hits_of(model: Recommender, holdout: Holdout, k: int) -> BoolArray:
    """Whether the list of each shopper holds one of the held-out items, bool [n]."""
    width = model.train.n_items + 1
    targets = holdout.targets.rows * width + holdout.targets.item_index
    listed = lists(model, holdout, k)
    keys = np.arange(len(listed))[:, None] * width + listed
    return np.asarray((np.isin(keys, targets) & (listed > 0)).any(axis=1), dtype=np.bool_)

"""NDCG@10 over the validation part, fast enough to run after every epoch: the figure that decides when to stop.

Full ranking with ties at their average rank, seen items hidden as they are when serving. The tables of an evaluation
have more metrics and intervals; this is the one number that training looks at.
"""

from __future__ import annotations

import numpy as np

from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.metrics.ndcg import ndcg as ndcg_of_ranks
from shopkeeper.metrics.ranks import ranks_of_targets
from shopkeeper.metrics.targets import distinct_targets
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.like_lengths import batches_of_like_length
from shopkeeper.types import Float32Array, Float64Array

K = 10


def validation_ndcg(model: Recommender, holdout: Holdout) -> float:
    """Mean NDCG@10 of a fitted model over the shoppers of a holdout that have a target.

    Args:
        model: Its `leading_scores` are ranked.
        holdout: Histories and targets.

    Returns:
        From 0 to 1; 0 where no shopper has a target.
    """
    total, n = 0.0, 0
    for batch in batches_of_like_length(holdout, model.batch_size()):
        scores = model.leading_scores(batch.user_index, batch.histories, K, moments=batch.moments)
        asked = batch.targets.lengths > 0
        total += float(ndcg(scores, batch.targets)[asked].sum())
        n += int(asked.sum())
    return total / max(1, n)


def sample_holdout(holdout: Holdout, max_users: int | None, seed: int) -> Holdout:
    """A fixed random sample of at most so many shoppers, in their order; None takes all."""
    if max_users is None or len(holdout) <= max_users:
        return holdout
    chosen = np.random.default_rng(seed).choice(len(holdout), max_users, replace=False)
    return holdout.take(np.sort(chosen).astype(np.int64))


def ndcg(scores: Float32Array, targets: Histories, k: int = K) -> Float64Array:
    """NDCG@k of each row, with binary relevance (Järvelin and Kekäläinen 2002).

    Args:
        scores: float32 [b, n_items + 1]; minus infinity never counts as found.
        targets: Relevant items of b shoppers; repeats count once, an unknown item (index 0) as one that is missed.
        k: Length of the list.

    Returns:
        float64 [b]; 0 where a shopper has no target.
    """
    rows, items, _ = distinct_targets(targets.rows, np.asarray(targets.item_index))
    ranks = ranks_of_targets(scores, rows, items)
    return ndcg_of_ranks(ranks, rows, np.bincount(rows, minlength=len(scores)), min(k, scores.shape[1] - 1))

"""NDCG@10 over the validation part, fast enough to run after every epoch: the figure that decides when to stop.

Full ranking with ties at their average rank, seen items hidden as they are when serving. The tables of an evaluation
have more metrics and intervals; this is the one number that training looks at.
"""

from __future__ import annotations

import numpy as np

from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.recommenders.base import Recommender
from shopkeeper.types import Float32Array, Float64Array

K = 10


def validation_ndcg(model: Recommender, holdout: Holdout) -> float:
    """Mean NDCG@10 of a fitted model over the shoppers of a holdout that have a target.

    Args:
        model: Its `final_scores` are ranked.
        holdout: Histories and targets.

    Returns:
        From 0 to 1; 0 where no shopper has a target.
    """
    total, n = 0.0, 0
    for start, batch in holdout.histories.batches(model.batch_size()):
        stop = start + len(batch)
        targets = holdout.targets.slice(start, stop)
        scores, _ = model.final_scores(holdout.user_index[start:stop], batch)
        asked = targets.lengths > 0
        total += float(ndcg(scores, targets)[asked].sum())
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
    items, rows = np.asarray(targets.item_index, dtype=np.int64), targets.rows
    known = np.unique(rows[items > 0] * scores.shape[1] + items[items > 0])
    n_relevant = np.bincount(known // scores.shape[1], minlength=len(scores))
    n_relevant += np.bincount(rows[items == 0], minlength=len(scores))
    rows, items = known // scores.shape[1], known % scores.shape[1]

    k = min(k, scores.shape[1] - 1)
    threshold = np.partition(scores, scores.shape[1] - k, axis=1)[:, -k]
    wanted = scores[rows, items]
    near = (wanted >= threshold[rows]) & ~np.isneginf(wanted)  # all others rank below k
    rows, ranks = rows[near], _ranks(scores, rows[near], wanted[near])
    gains = np.where(ranks <= k, 1 / np.log2(ranks + 1), 0.0)
    ideal = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(2, k + 2)))])[np.minimum(n_relevant, k)]
    found = np.bincount(rows, weights=gains, minlength=len(scores))
    return np.asarray(np.divide(found, ideal, out=np.zeros(len(scores)), where=ideal > 0), dtype=np.float64)


def _ranks(scores: Float32Array, rows: np.ndarray, wanted: Float32Array) -> Float64Array:
    """Average rank, from 1, of a score among those of its row: float64 of the length of `rows`."""
    ranks = np.empty(len(rows), dtype=np.float64)
    size = max(1, (16 << 20) // scores.shape[1])
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        others, own = scores[rows[part]], wanted[part, None]
        ranks[part] = 1 + (others > own).sum(axis=1) + ((others == own).sum(axis=1) - 1) / 2
    return ranks

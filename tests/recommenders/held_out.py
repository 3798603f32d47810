"""Recall and NDCG at 10 over held-out items, written independently of the package for comparisons with references."""

from __future__ import annotations

import numpy as np


def recall_and_ndcg(scores: np.ndarray, seen: list[np.ndarray], targets: list[np.ndarray], k: int = 10):
    """Mean recall@k and NDCG@k over shoppers with a target.

    Args:
        scores: [n, n_items + 1]; items from 1.
        seen: Items of each shopper's history, left out of the ranking.
        targets: Held-out items of each shopper.
        k: Length of the list.
    """
    recalls, gains = [], []
    for row, history, wanted in zip(scores, seen, targets, strict=True):
        if len(wanted) == 0:
            continue
        left = row.astype(np.float64)
        left[0] = -np.inf
        left[history] = -np.inf
        hits = np.isin(np.argsort(-left, kind="stable")[:k], wanted)
        discount = 1 / np.log2(np.arange(k) + 2)
        recalls.append(hits.sum() / min(len(wanted), k))
        gains.append((hits * discount).sum() / discount[: len(wanted)].sum())
    return float(np.mean(recalls)), float(np.mean(gains))

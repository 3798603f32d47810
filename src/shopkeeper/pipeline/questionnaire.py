"""A few items to ask a new shopper about: those of which most shoppers know one, and together as many as possible.

Greedy: an item counts for every shopper who took it, and half as much for each chosen item that the shopper took too.
So items come that many know and that are not all for the same people. What a new shopper says of them is a history like
any other. Asking for items that are far from each other as vectors was tried too: fewer shoppers know one of them, and
lists that follow from the answers are no better.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.sparse import csc_array

from shopkeeper.data.dataset import Dataset
from shopkeeper.types import BoolArray, Int32Array

SHOPPERS: Final = 50_000
"""At most so many shoppers say what is known, drawn at random."""
POOL: Final = 1000
"""Only so many of the items that most of them took are looked at."""
AGAIN: Final = 0.5
"""How much a shopper counts of before who took an item that was chosen."""


def taken_items(dataset: Dataset, seed: int = 0) -> csc_array:
    """Which shopper took which item.

    Args:
        dataset: The log.
        seed: Of the sample of shoppers.

    Returns:
        float32 [shoppers, n_items + 1], 1 where one took the other.
    """
    histories = dataset.histories
    if dataset.n_users > SHOPPERS:
        chosen = np.sort(np.random.default_rng(seed).choice(dataset.n_users, SHOPPERS, replace=False))
        histories = histories.take(chosen)
    keys = np.unique(histories.rows * (dataset.n_items + 1) + histories.item_index)
    rows, items = np.divmod(keys, dataset.n_items + 1)
    return csc_array((np.ones(len(keys), np.float32), (rows, items)), shape=(len(histories), dataset.n_items + 1))


def questionnaire(taken: csc_array, allowed: BoolArray, n: int) -> Int32Array:
    """Chooses items.

    Args:
        taken: What `taken_items` gave.
        allowed: bool [n_items + 1]; items that may be asked about.
        n: How many.

    Returns:
        int32 [at most n], the one to ask about first at the front; items that nobody took never come.
    """
    counts = np.where(allowed, np.diff(taken.indptr), 0)
    pool = np.argsort(-counts, kind="stable")[:POOL]
    pool = pool[counts[pool] > 0]
    asked = taken[:, pool]
    weight = np.ones(asked.shape[0], dtype=np.float32)
    free = np.ones(len(pool), dtype=bool)
    chosen = []
    for _ in range(min(n, len(pool))):
        best = int(np.where(free, asked.T @ weight, -1.0).argmax())
        chosen.append(best)
        free[best] = False
        weight[asked.indices[asked.indptr[best] : asked.indptr[best + 1]]] *= AGAIN
    found: Int32Array = pool[chosen].astype(np.int32)
    return found

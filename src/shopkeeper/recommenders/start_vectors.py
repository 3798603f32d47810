"""Where item embeddings start: vectors in which items that are taken near each other lie near each other.

Fresh random embeddings must learn from few events what plain counts know at once. Here the counts of pairs within a
window, decayed by distance, become positive pointwise mutual information, and its truncated singular vectors the start
(Levy and Goldberg, "Neural word embedding as implicit matrix factorization", NIPS 2014, on shopping histories).

Not where shoppers take the same again and again: near each other is then what stands in one basket, in the order of the
export, and a network that starts there ends lower.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.sparse import csr_array

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.repeats import repeat_share
from shopkeeper.recommenders.content_links import ContentWeights, content_links
from shopkeeper.recommenders.estimate import n_pairs_within
from shopkeeper.recommenders.sparse import Csr
from shopkeeper.recommenders.transitions import Transitions, TransitionsConfig
from shopkeeper.types import Float32Array

COUNTING: Final = TransitionsConfig(
    distance_decay=0.8, backward=1.0, source_power=0.0, target_power=0.0, neighbors=1000
)
"""Pairs in both directions, not divided by anything."""
WINDOWS: Final = (20, 10, 5, 2, 1)
"""Distances of the events of a pair, the widest that does not count more than `MOST_PAIRS`."""
MOST_PAIRS: Final = 3_000_000
"""Memory grows with them, about 100 bytes each; a long log tells as much by near pairs alone."""
SMOOTHING: Final = 0.75
"""Power of the frequency of the other item: below 1, rare items are less surprising."""
STD: Final = 0.05
"""Standard deviation of the vectors."""
EXTRA: Final = 10
"""More singular vectors than are wanted make the wanted ones exact (Halko et al. 2011)."""
ITERATIONS: Final = 4
SMALLEST: Final = 1e-30
RANDOM_FROM: Final = 0.2
"""From this share of repeats on random numbers are the better start, see `docs/decisions/one-sequence-path.md`."""
ALIKE: Final = 100
"""Items that the catalog tells to be alike, of each item."""


def start_for(histories: Histories, content: float) -> tuple[str, str]:
    """Where embeddings start where nobody says, "links" or "random", and the reason in words.

    Args:
        histories: What is read.
        content: How much the catalog weighs in links; above 0 they are wanted.
    """
    if content > 0:
        return "links", "content_start is set"
    share = repeat_share(histories)
    why = f"{share:.1%} of the events repeat an item of the shopper, random from {RANDOM_FROM:.0%} on"
    return "random" if share >= RANDOM_FROM else "links", why


def start_vectors(train: Dataset, size: int, content: float = 0.0) -> Float32Array:
    """Vectors of the items, from the log and the catalog; random numbers are those of torch's global generator.

    Args:
        train: The training part.
        size: Width; what the data have no more dimensions for is zero.
        content: The likeness of two items by the catalog (see `content_links`) is added to their information, so many
            times; 0 takes the log alone.

    Returns:
        float32 [n_items + 1, size]; row 0, and items without neighbors, are zeros.
    """
    import torch

    counting = COUNTING.replace(window=pair_window(train.histories))
    information = positive_information(Transitions(counting).fit(train).links)
    if content > 0:
        information = csr_array(information + content_links(train, ContentWeights(), ALIKE) * np.float32(content))
    vectors = np.zeros((information.shape[0], size), dtype=np.float32)
    linked = np.flatnonzero(np.diff(information.indptr))
    if len(linked) == 0:
        return vectors
    information = information[linked][:, linked]
    n, kept = len(linked), min(size, len(linked))
    rows = np.repeat(np.arange(n), np.diff(information.indptr))
    places = torch.from_numpy(np.stack([rows, information.indices]).astype(np.int64))
    matrix = torch.sparse_coo_tensor(places, torch.from_numpy(information.data), (n, n), check_invariants=False)
    left, strength, _ = torch.svd_lowrank(matrix, q=min(kept + EXTRA, n), niter=ITERATIONS)
    found = (left[:, :kept] * strength[:kept].sqrt()).numpy()
    found -= found.mean(axis=0)
    vectors[linked, :kept] = found * (STD / max(float(found.std()), SMALLEST))
    return vectors


def pair_window(histories: Histories) -> int:
    """How far the events of a pair may be from each other: as far as memory allows."""
    return next((window for window in WINDOWS if n_pairs_within(histories, window) <= MOST_PAIRS), WINDOWS[-1])


def positive_information(counts: Csr) -> Csr:
    """Positive pointwise mutual information of pairs, in the places of their counts (float32 [n, n])."""
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    sources = np.bincount(rows, weights=counts.data, minlength=counts.shape[0])
    others = np.bincount(counts.indices, weights=counts.data, minlength=counts.shape[1]) ** SMOOTHING
    others /= max(float(others.sum()), SMALLEST)
    expected = sources[rows] * others[counts.indices]
    values = np.maximum(np.log(np.maximum(counts.data / np.maximum(expected, SMALLEST), 1.0)), 0).astype(np.float32)
    found = csr_array((values, counts.indices, counts.indptr), shape=counts.shape)
    found.eliminate_zeros()
    return found

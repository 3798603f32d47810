"""What semantic ids are worth: how many items collide, how much of each codebook is used, whether like begins alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shopkeeper.features.semantic_ids.ids import SemanticIds
from shopkeeper.types import Int64Array


@dataclass(frozen=True)
class SemanticIdQuality:
    """Figures of one set of ids.

    Attributes:
        collisions: Share of items whose digits before the last are those of another item too.
        largest_group: Items of the largest such group.
        used: For each digit before the last, the share of its values that occur.
        perplexity: For each of them, how many equally frequent values would be as uncertain.
        purity: For each beginning of one digit, two digits and so on, the share of items in the most frequent category
            of their beginning, of items that have a category and are not alone with their beginning; NaN for none.
    """

    collisions: float
    largest_group: int
    used: tuple[float, ...]
    perplexity: tuple[float, ...]
    purity: tuple[float, ...]


def quality(ids: SemanticIds, category: Int64Array | None = None) -> SemanticIdQuality:
    """Measures ids.

    Args:
        ids: Of at least one item.
        category: int64 [n_items]; from 0, below 0 where it is not known. None leaves purity out.
    """
    digits = ids.digits[1:, :-1]
    beginnings = [digits[:, : length + 1] for length in range(digits.shape[1])]
    groups = [np.unique(one, axis=0, return_inverse=True)[1].ravel() for one in beginnings]
    sizes = np.bincount(groups[-1])
    counts = [np.bincount(column, minlength=size) for column, size in zip(digits.T, ids.sizes[:-1], strict=True)]
    return SemanticIdQuality(
        collisions=float((sizes[groups[-1]] > 1).mean()),
        largest_group=int(sizes.max()),
        used=tuple(float((one > 0).mean()) for one in counts),
        perplexity=tuple(_perplexity(one) for one in counts),
        purity=() if category is None else tuple(_purity(group, category) for group in groups),
    )


def _perplexity(counts: Int64Array) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def _purity(group: Int64Array, category: Int64Array) -> float:
    known = category >= 0
    group, category = group[known], category[known]
    if len(group) == 0:
        return float("nan")
    together = np.bincount(group)[group] > 1
    if not together.any():
        return float("nan")
    pairs, counts = np.unique(np.stack([group[together], category[together]]), axis=1, return_counts=True)
    most = np.zeros(int(group.max()) + 1, dtype=np.int64)
    np.maximum.at(most, pairs[0], counts)
    return float(most.sum() / together.sum())

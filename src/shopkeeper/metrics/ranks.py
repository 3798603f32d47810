"""The rank of every target among all items: the one thing that all ranking metrics need to know.

Ties get the average of the places they fill, so that a model which scores everything alike is no better than chance.
Targets of one shopper that tie with each other share out the places around that average, one apart: they cannot all
stand on the same place, and no metric can exceed 1 thereby.
"""

from __future__ import annotations

import numpy as np

from shopkeeper.types import BoolArray, Float32Array, Float64Array, Int32Array, Int64Array

CHUNK_SCORES = 1 << 18
"""Scores compared at once; they stay in the processor's cache."""
LANES = 8
"""Answers of one byte that are added up as one word."""
LANE_SUMS = 255
"""So many of them fit into a byte."""
SORT_FROM = 7
"""From so many targets a row on, sorting the row once is faster than comparing it with each target."""


def ranks_of_targets(scores: Float32Array, rows: Int64Array, targets: Int32Array) -> Float64Array:
    """Ranks of targets in the full ranking of all items.

    Args:
        scores: float32 [n, n_items + 1]; minus infinity for hidden items; column 0 (padding) is ignored.
        rows: int64 [t]; the row of each target.
        targets: int32 [t]; items, each once in a row; 0 for an item that training has not seen.

    Returns:
        float64 [t]; 1 is the best place, halves occur where scores tie, infinity for unseen and hidden targets.
    """
    ranks = np.full(len(rows), np.inf)
    reachable = np.flatnonzero(targets > 0)
    values = scores[rows[reachable], targets[reachable]]
    shown = values > -np.inf
    reachable, values = reachable[shown], values[shown]
    count = _count_by_sorting if len(reachable) > SORT_FROM * len(scores) else _count_by_comparing
    above, tied = count(scores[:, 1:], rows[reachable], values)
    place, company = _among_tied_targets(rows[reachable], values)
    ranks[reachable] = above + (tied + 1) / 2 + place - (company - 1) / 2
    return ranks


def _count_by_comparing(scores: Float32Array, rows: Int64Array, values: Float32Array) -> tuple[Int64Array, Int64Array]:
    above, tied = np.empty(len(rows), dtype=np.int64), np.empty(len(rows), dtype=np.int64)
    width = scores.shape[1]
    size = max(1, CHUNK_SCORES // max(1, width))
    groups = max(1, -(-width // (LANES * LANE_SUMS)))
    answers = np.zeros((size, groups * LANES * -(-width // (LANES * groups))), dtype=bool)
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        chunk, value = _rows(scores, rows[part]), values[part, None]
        found = answers[: len(chunk)]
        np.greater(chunk, value, out=found[:, :width])
        above[part] = _count_true(found, groups)
        np.equal(chunk, value, out=found[:, :width])
        tied[part] = _count_true(found, groups)
    return above, tied


def _rows(scores: Float32Array, rows: Int64Array) -> Float32Array:
    """Some rows; those that stand side by side without copying them."""
    first = int(rows[0])
    side_by_side = rows[-1] - first == len(rows) - 1 and bool((np.diff(rows) == 1).all())
    return scores[first : first + len(rows)] if side_by_side else scores[rows]


def _count_true(answers: BoolArray, groups: int) -> Int64Array:
    """How many of each row are true, int64 [n].

    Eight answers are added at a time, as the bytes of one word, which is several times faster than one by one.

    Args:
        answers: Contiguous bool [n, width].
        groups: The width divides into so many groups of whole words, each of at most 255.
    """
    words = answers.view(np.uint64).reshape(len(answers), groups, -1)
    lanes = words.sum(axis=2).view(np.uint8)
    return np.asarray(lanes.sum(axis=1, dtype=np.int64))


def _count_by_sorting(scores: Float32Array, rows: Int64Array, values: Float32Array) -> tuple[Int64Array, Int64Array]:
    ordered = np.sort(scores, axis=1)
    below = _bisect(ordered, rows, values, right=False)
    up_to = _bisect(ordered, rows, values, right=True)
    return scores.shape[1] - up_to, up_to - below


def _bisect(ordered: Float32Array, rows: Int64Array, values: Float32Array, right: bool) -> Int64Array:
    """`np.searchsorted` of each value in its own row."""
    low = np.zeros(len(rows), dtype=np.int64)
    high = np.full(len(rows), ordered.shape[1], dtype=np.int64)
    while (low < high).any():
        middle = (low + high) // 2
        found = ordered[rows, np.minimum(middle, ordered.shape[1] - 1)]
        go_on = (low < high) & ((found <= values) if right else (found < values))
        high = np.where((low < high) & ~go_on, middle, high)
        low = np.where(go_on, middle + 1, low)
    return low


def _among_tied_targets(rows: Int64Array, values: Float32Array) -> tuple[Int64Array, Int64Array]:
    """Place from 0 among the targets of the same row with the same score, and how many those are; int64 [t] each."""
    order = np.lexsort((values, rows))
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (rows[order][1:] != rows[order][:-1]) | (values[order][1:] != values[order][:-1])
    group = np.cumsum(first) - 1
    place, company = np.empty(len(rows), dtype=np.int64), np.empty(len(rows), dtype=np.int64)
    place[order] = np.arange(len(rows)) - np.flatnonzero(first)[group]
    company[order] = np.bincount(group)[group] if len(rows) else 0
    return place, company


def ranks_in_lists(lists: Int32Array, rows: Int64Array, targets: Int32Array) -> Float64Array:
    """Ranks of targets in finished lists, for a model without scores for all items.

    Args:
        lists: int32 [n, k]; items, best first, 0 where a list is shorter.
        rows: int64 [t]; the row of each target.
        targets: int32 [t]; 0 for an item that training has not seen.

    Returns:
        float64 [t]; infinity for targets that are not in their list.
    """
    found = (lists[rows] == targets[:, None]) & (targets > 0)[:, None]
    place = np.argmax(found, axis=1) + 1.0 if lists.shape[1] else np.zeros(len(rows))
    return np.where(found.any(axis=1), place, np.inf)

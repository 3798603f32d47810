"""Kinds of shoppers and of items, told apart by what training has seen of them.

Shoppers: *new* ones have no event in training, *light* ones at most as many as the median shopper of training, *heavy*
ones more. Items: sorted by their number of training events, the *head* are the most popular ones that together take the
first fifth of all events, the *tail* those of the last fifth, the *middle* those between. A metric of an item segment
counts only the targets of the segment, over the shoppers who have one. Targets that training has not seen are in none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.holdout import Holdout
from shopkeeper.evaluation.outcome import Outcome
from shopkeeper.types import BoolArray, Int64Array

SHOPPER_SEGMENTS = ("new", "light", "heavy")
ITEM_SEGMENTS = ("head", "middle", "tail")
HEAD_SHARE = 0.2
"""Share of the training events that the head takes; the tail takes as much."""


def segments_of(outcome: Outcome, holdout: Holdout, train: Dataset) -> Iterator[tuple[str, str, Outcome]]:
    """The outcome cut down to each segment that somebody belongs to.

    Yields:
        Group (``"shoppers"`` or ``"items"``), name of the segment, and the outcome of its shoppers and targets.
    """
    shoppers = shopper_segment(holdout, train)
    for place, name in enumerate(SHOPPER_SEGMENTS):
        inside = shoppers == place
        if inside.any():
            yield "shoppers", name, _only(outcome, inside[outcome.rows], inside)
    items = item_segment(train)
    for place, name in enumerate(ITEM_SEGMENTS):
        targets = items[outcome.items] == place
        if targets.any():
            having = np.bincount(outcome.rows[targets], minlength=len(outcome.n_relevant)) > 0
            yield "items", name, _only(outcome, targets, having)


def shopper_segment(holdout: Holdout, train: Dataset) -> Int64Array:
    """Place in `SHOPPER_SEGMENTS` of each shopper asked, int64 [n]."""
    lengths = np.concatenate([[0], train.histories.lengths])
    seen = lengths[holdout.user_index]
    return np.where(seen == 0, 0, np.where(seen <= np.median(lengths[1:]), 1, 2))


def item_segment(train: Dataset) -> Int64Array:
    """Place in `ITEM_SEGMENTS` of each item, int64 [n_items + 1], -1 for the padding."""
    counts = train.item_counts()[1:]
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    share = before / max(int(counts.sum()), 1)
    segment = np.full(train.n_items + 1, -1, dtype=np.int64)
    segment[order + 1] = np.where(share < HEAD_SHARE, 0, np.where(share < 1 - HEAD_SHARE, 1, 2))
    return segment


def _only(outcome: Outcome, targets: BoolArray, shoppers: BoolArray) -> Outcome:
    """The outcome of some targets (bool [t]) and shoppers (bool [n]); each kept target belongs to a kept shopper."""
    new_row = np.cumsum(shoppers) - 1
    rows = new_row[outcome.rows[targets]]
    return replace(
        outcome,
        rows=rows,
        items=outcome.items[targets],
        values=None if outcome.values is None else outcome.values[targets],
        ranks=outcome.ranks[targets],
        n_relevant=np.bincount(rows, minlength=int(np.count_nonzero(shoppers))),
        lists=outcome.lists[shoppers],
    )

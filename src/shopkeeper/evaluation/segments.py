"""Kinds of shoppers and of items, told apart by what training has seen of them.

Shoppers: *new* ones have no event in training, *light* ones at most as many as the median shopper of training, *heavy*
ones more; and by how many of their events are known when they are asked. Items: sorted by their number of training
events, the *head* are the most popular ones that together take the first fifth of all events, the *tail* those of the
last fifth, the *middle* those between; and *unseen* ones have no event in training, *few-shot* ones some, *seen* ones
enough. A metric of an item segment counts only the targets of the segment, over the shoppers who have one. Targets that
training has not seen are neither of head nor middle nor tail. Where a model knows items without an event, they are also
ranked among themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.holdout import Holdout
from shopkeeper.evaluation.outcome import Outcome
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.types import BoolArray, Int64Array

SHOPPER_SEGMENTS = ("new", "light", "heavy")
ITEM_SEGMENTS = ("head", "middle", "tail")
SIGHT_SEGMENTS = ("unseen", "few-shot", "seen")
HEAD_SHARE = 0.2
"""Share of the training events that the head takes; the tail takes as much."""


def segments_of(
    outcome: Outcome, holdout: Holdout, train: Dataset, settings: EvaluationSettings
) -> Iterator[tuple[str, str, Outcome]]:
    """The outcome cut down to each segment that somebody belongs to.

    Yields:
        Group (``"shoppers"``, ``"known events"``, ``"items"``, ``"sight"`` or ``"among new"``), name of the segment,
        and the outcome of its shoppers and targets.
    """
    known = np.digitize(holdout.histories.lengths, settings.known_events)
    for group, names, shoppers in (
        ("shoppers", SHOPPER_SEGMENTS, shopper_segment(holdout, train)),
        ("known events", known_names(settings.known_events), known),
    ):
        for place, name in enumerate(names):
            inside = shoppers == place
            if inside.any():
                yield group, name, _only(outcome, inside[outcome.rows], inside)
    sight = sight_segment(train, settings.few_events)[outcome.items]
    for group, names, targets in (
        ("items", ITEM_SEGMENTS, item_segment(train)[outcome.items]),
        ("sight", SIGHT_SEGMENTS, sight),
    ):
        for place, name in enumerate(names):
            if (targets == place).any():
                yield group, name, _of_targets(outcome, targets == place)
    if outcome.ranks_among_new is not None and np.isfinite(outcome.ranks_among_new).any():
        among = replace(outcome, ranks=outcome.ranks_among_new)
        yield "among new", SIGHT_SEGMENTS[0], _of_targets(among, sight == 0)


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


def sight_segment(train: Dataset, few: int) -> Int64Array:
    """Place in `SIGHT_SEGMENTS` of each item, int64 [n_items + 1]; unseen for index 0 too.

    Args:
        train: The training part; its vocabulary may hold items without an event.
        few: Items with fewer events than so many are few-shot ones.
    """
    return np.digitize(train.item_counts(), [1, few])


def known_names(bounds: Sequence[int]) -> list[str]:
    """Names of groups of shoppers by number of known events, where each of the bounds begins one: "3 to 4"."""
    ends = [0, *bounds]
    names = [str(a) if b == a + 1 else f"{a} to {b - 1}" for a, b in pairwise(ends)]
    return [*names, f"{ends[-1]} or more"]


def _of_targets(outcome: Outcome, targets: BoolArray) -> Outcome:
    """The outcome of some targets (bool [t]) and the shoppers who have one."""
    return _only(outcome, targets, np.bincount(outcome.rows[targets], minlength=len(outcome.n_relevant)) > 0)


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

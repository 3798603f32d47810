"""One pass over all questions: the rank of every target and, where asked for, the list of every shopper.

Scores of the whole catalog exist only for one batch of shoppers at a time; what stays is one number a target.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from shopkeeper.data.hiding import Hiding
from shopkeeper.data.holdout import Holdout
from shopkeeper.errors import ShopkeeperError
from shopkeeper.metrics.ranks import ranks_in_lists, ranks_of_targets
from shopkeeper.metrics.targets import distinct_targets
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.like_lengths import Batch, batches_of_like_length
from shopkeeper.recommenders.top_k import top_k
from shopkeeper.types import Float32Array, Float64Array, Int32Array, Int64Array


@dataclass(frozen=True)
class Outcome:
    """How a model answered.

    Attributes:
        rows: int64 [t]; the shopper of each distinct target, ascending.
        items: int32 [t]; 0 for an item that training has not seen.
        values: float64 [t] or None; what each target was worth.
        ranks: float64 [t]; from 1, infinity for a target that did not or could not come out.
        n_relevant: int64 [n]; number of distinct targets of each shopper.
        lists: int32 [n, k], the best items of each shopper; k is 0 where nobody asked for lists.
        ranks_among_new: float64 [t]; of targets without a training event the rank among all such items that the model
            knows, infinity for others; None where it knows none, or where ranks are of lists.
    """

    rows: Int64Array
    items: Int32Array
    values: Float64Array | None
    ranks: Float64Array
    n_relevant: Int64Array
    lists: Int32Array
    ranks_among_new: Float64Array | None = None

    @property
    def unseen_share(self) -> float:
        """Share of the targets that training has not seen."""
        return float(np.mean(self.items == 0)) if len(self.items) else 0.0


def answer(
    recommender: Recommender,
    holdout: Holdout,
    k: int,
    depth: int,
    hide: Hiding = None,
    from_lists: bool = False,
    progress: Progress | None = None,
    new_items: Int64Array | None = None,
) -> Outcome:
    """Asks a fitted model all questions of a part.

    Args:
        recommender: The fitted model.
        holdout: The questions.
        k: Length of the lists to keep, at most `depth`; 0 keeps none.
        depth: Ranks beyond this place need not be told.
        hide: What does not come out of a shopper's own items; None leaves it to the model.
        from_lists: Take ranks from the lists alone.
        progress: Told about each batch.
        new_items: int64 [m], ascending; items without a training event, which are ranked among themselves too.

    Returns:
        Ranks and lists.

    Raises:
        ShopkeeperError: The model's scores have another shape than they should, or are not numbers.
    """
    rows, items, values = distinct_targets(
        holdout.targets.rows, np.asarray(holdout.targets.item_index), holdout.target_value
    )
    n_relevant = np.bincount(rows, minlength=len(holdout))
    ranks = np.full(len(rows), np.inf)
    lists = np.zeros((len(holdout), min(k, recommender.train.n_items)), dtype=np.int32)
    among_new = None if from_lists or new_items is None else np.full(len(rows), np.inf)
    for batch in batches_of_like_length(holdout, recommender.batch_size()):
        of_batch, asked = _targets_of(batch.places, rows, n_relevant)
        if from_lists:
            lists[batch.places], _, _ = recommender.rank(
                batch.user_index, batch.histories, lists.shape[1], hide, moments=batch.moments
            )
            ranks[asked] = ranks_in_lists(lists[batch.places], of_batch, items[asked])
        else:
            scores = recommender.leading_scores(batch.user_index, batch.histories, depth, hide, batch.moments)
            _check(scores, len(batch), recommender)
            ranks[asked] = ranks_of_targets(scores, of_batch, items[asked])
            if among_new is not None and new_items is not None:
                among_new[asked] = _ranks_among(
                    new_items, _whole(recommender, batch, hide, scores, new_items), of_batch, items[asked]
                )
            if lists.shape[1]:
                lists[batch.places] = top_k(scores, lists.shape[1])[0]
        if progress is not None:
            progress.advance(len(batch))
    return Outcome(rows, items, values, ranks, n_relevant, lists, among_new)


def _ranks_among(
    some: Int64Array, scores_of: Callable[[Int64Array], Float32Array], rows: Int64Array, targets: Int32Array
) -> Float64Array:
    """Ranks of targets among some items (int64 [m], ascending), float64 [t]; infinity for targets that are others.

    Args:
        some: The items.
        scores_of: Gives the scores of some rows.
        rows: int64 [t]; the row of each target.
        targets: int32 [t].
    """
    column = np.minimum(np.searchsorted(some, targets), len(some) - 1)
    inside = np.flatnonzero(some[column] == targets)
    ranks = np.full(len(rows), np.inf)
    if len(inside):
        asked, row = np.unique(rows[inside], return_inverse=True)
        narrow = scores_of(asked)[:, np.concatenate([[0], some])]
        ranks[inside] = ranks_of_targets(narrow, row, (column[inside] + 1).astype(np.int32))
    return ranks


def _whole(
    recommender: Recommender, batch: Batch, hide: Hiding, scores: Float32Array, some: Int64Array
) -> Callable[[Int64Array], Float32Array]:
    """Gives scores of some rows of a batch in which the places of some items are told, however far behind."""

    def whole(rows: Int64Array) -> Float32Array:
        of_rows = scores[rows]
        if not np.isneginf(of_rows[:, some]).any():
            return of_rows
        users, histories = batch.user_index[rows], batch.histories.take(rows)
        return recommender.final_scores(users, histories, hide, batch.moments[rows])[0]

    return whole


def _targets_of(places: Int64Array, rows: Int64Array, n_relevant: Int64Array) -> tuple[Int64Array, Int64Array]:
    """The targets of some shoppers (int64 [b]): for each its shopper's place in the batch, and where it stands."""
    counts = n_relevant[places]
    of_batch = np.repeat(np.arange(len(places)), counts)
    first = np.searchsorted(rows, places) - (np.cumsum(counts) - counts)
    return of_batch, np.arange(len(of_batch)) + first[of_batch]


def _check(scores: Float32Array, n: int, recommender: Recommender) -> None:
    expected = (n, recommender.train.n_items + 1)
    if scores.shape != expected:
        raise ShopkeeperError(
            f"scores of {recommender.name} have the wrong shape", expected=str(expected), got=str(scores.shape)
        )
    if np.isnan(scores.min()):
        raise ShopkeeperError(
            f"{recommender.name} gives scores that are not numbers",
            expected="finite scores, or minus infinity where the model has nothing to say",
            remedy="look at the loss: the training has probably diverged; try a smaller learning rate",
        )

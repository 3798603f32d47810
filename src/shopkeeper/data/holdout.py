"""What is held out and asked for at evaluation, and the three parts of a split."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.types import Float64Array, Int32Array, Int64Array

if TYPE_CHECKING:
    import pyarrow as pa

    from shopkeeper.data.split_settings import SplitSettings


def asked_at(histories: Histories, targets: Histories) -> Int64Array:
    """The moments of questions, int64 [n], Unix microseconds: when the shopper comes for the first target.

    Of a shopper without a target it is that of the last known event, or 0.

    Args:
        histories: What is known, one row a question.
        targets: What is asked for.
    """
    moments = np.zeros(len(histories), dtype=np.int64)
    for rows, place in ((histories, -1), (targets, 0)):
        there = rows.lengths > 0
        ends = rows.offsets[1:] if place else rows.offsets[:-1]
        moments[there] = np.asarray(rows.timestamp)[np.asarray(ends)[there] + place]
    return moments


@dataclass(frozen=True)
class Holdout:
    """Questions of one evaluation part: one row a shopper.

    Attributes:
        user_ids: Ids of the shoppers as the shop writes them, length n.
        user_index: int32 [n]; index in the training vocabulary, 0 for a shopper that training has not seen.
        histories: What may be known when asked, in training indices; items that training has not seen are left out.
        targets: What the shopper did then; item_index 0 is an item that training has not seen (no id model can hit it).
        target_value: float64 [events of targets] or None; price times quantity, NaN where the price is unknown.
        ignored_history_events: Number of history events left out since training has not seen their items.
    """

    user_ids: pa.Array
    user_index: Int32Array
    histories: Histories
    targets: Histories
    target_value: Float64Array | None = None
    ignored_history_events: int = 0

    def __len__(self) -> int:
        return len(self.user_index)

    @property
    def moments(self) -> Int64Array:
        """As of when each question is asked, int64 [n], Unix microseconds."""
        return asked_at(self.histories, self.targets)

    def take(self, places: Int64Array) -> Holdout:
        """The questions at these places (for a fixed sample of shoppers)."""
        lengths = self.targets.lengths[places]
        starts = np.asarray(self.targets.offsets)[places]
        events = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths) + np.arange(int(lengths.sum()))
        return Holdout(
            user_ids=self.user_ids.take(places),
            user_index=self.user_index[places],
            histories=self.histories.take(places),
            targets=self.targets.take(places),
            target_value=None if self.target_value is None else self.target_value[events],
            ignored_history_events=self.ignored_history_events,
        )


@dataclass(frozen=True)
class Split:
    """Training data and the two parts held out.

    Attributes:
        train: Only what training may see; its vocabularies hold no id that it has not seen.
        validation: For choosing models, settings and epochs.
        test: For the final figure, run once.
        settings: How it was made.
        leaks_future: Whether training has seen events later than a question (leave-one-out and splits by user do).
        facts: What the split decided itself, such as the moments between the parts. Plain JSON.
    """

    train: Dataset
    validation: Holdout
    test: Holdout
    settings: SplitSettings
    leaks_future: bool
    facts: dict[str, Any] = field(default_factory=dict)

"""The objective of labels: examples in batches of about one size, each with what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from torch import Tensor, nn

from shopkeeper.types import Int64Array

if TYPE_CHECKING:
    from shopkeeper.training.settings import TrainingSettings

RowsLoss: TypeAlias = Callable[[Any, Int64Array], Tensor]
"""The summed loss of a network on some rows, a scalar."""


class LabelObjective:
    """Learn the labels of examples; examples of one group stay together, groups come in random order.

    Args:
        group: int64 [n]; examples of the same number share what is read for them, a history say.
        loss: Of the network and some rows (int64).
        training: For the seed and the size of batches.
    """

    def __init__(self, group: Int64Array, loss: RowsLoss, training: TrainingSettings) -> None:
        self._order = np.argsort(group, kind="stable")
        starts = np.flatnonzero(np.diff(group[self._order], prepend=-1))
        self._starts = np.append(starts, len(group)).astype(np.int64)
        self._loss = loss
        self._training = training

    def plan(self, epoch: int) -> Sequence[Int64Array]:
        """The rows of each batch of an epoch; a group is cut where a batch is full."""
        training = self._training
        generator = np.random.default_rng([training.seed, epoch])
        groups = generator.permutation(len(self._starts) - 1)
        lengths = np.diff(self._starts)[groups]
        before = np.cumsum(lengths) - lengths
        places = np.arange(int(lengths.sum())) + np.repeat(self._starts[groups] - before, lengths)
        rows = self._order[places]
        most = training.max_targets_per_epoch
        rows = rows if most is None else rows[:most]
        return [rows[start : start + training.batch_targets] for start in range(0, len(rows), training.batch_targets)]

    def n_targets(self, batch: Int64Array) -> int:
        """Examples of a batch."""
        return len(batch)

    def loss(self, network: nn.Module, batch: Int64Array) -> Tensor:
        """Summed loss of a batch."""
        return self._loss(network, batch)

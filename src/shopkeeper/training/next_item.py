"""The objective of sequence models: after each event, tell what follows from the whole catalog or from a sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
from torch import Tensor, nn

from shopkeeper.data.batches import Windows, cut_windows, group_windows, pack_windows, prefix_windows
from shopkeeper.data.histories import Histories
from shopkeeper.data.moments import Moments, shuffle_ties
from shopkeeper.nn.sequence_network import SequenceReader
from shopkeeper.training.item_loss import Asked, ItemLoss, ItemLossSettings, ask
from shopkeeper.training.reading import as_tensor, read_windows
from shopkeeper.types import Int64Array

if TYPE_CHECKING:
    from shopkeeper.training.settings import TrainingSettings

AskedLoss: TypeAlias = Callable[[SequenceReader, Asked], Tensor]
"""A loss of what a network was asked, summed over targets, a scalar."""


@dataclass(frozen=True)
class WindowSettings:
    """How histories are cut.

    Attributes:
        max_length: Longest window.
        overlap: Context events at the start of windows after the first of a history; below `max_length`.
        prefixes: Each target is a row of its own, with the events before it.
        alike: Windows of like length make a batch.
        shuffle_ties: Events at the same time are put in a new random order each epoch.
    """

    max_length: int = 50
    overlap: int = 0
    prefixes: bool = False
    alike: bool = True
    shuffle_ties: bool = False


@dataclass(frozen=True)
class WindowBatch:
    """Windows of one epoch that make a batch: the cuts of the epoch, places in them, and a seed to draw targets.

    Where the events of the epoch are in another order, `order` (int64 [events]) tells their places in the log.
    """

    windows: Windows
    chosen: Int64Array
    seed: int
    order: Int64Array | None = None


class NextItemObjective:
    """Predict each event of each history from those before it.

    Args:
        histories: What to learn from.
        n_items: Size of the catalog.
        cut: How histories are cut into windows.
        loss: Which loss: one that compares with items, or any function of the network and what it was asked.
        training: For the seed and the size of batches.
        moments: What may follow each event; None takes the next moment.
    """

    def __init__(
        self,
        histories: Histories,
        n_items: int,
        cut: WindowSettings,
        loss: ItemLossSettings | AskedLoss,
        training: TrainingSettings,
        moments: Moments | None = None,
    ) -> None:
        self._histories = histories
        self._moments = moments or Moments(histories)
        self._n_targets = self._moments.n_targets()
        self._cut = cut
        counts = np.bincount(histories.item_index, minlength=n_items + 1).astype(np.int64)
        self._loss: AskedLoss = (
            ItemLoss(loss, counts, training.matmul_precision) if isinstance(loss, ItemLossSettings) else loss
        )
        self._training = training

    def plan(self, epoch: int) -> Sequence[WindowBatch]:
        """The batches of an epoch, in random order; cuts of long histories move from epoch to epoch."""
        cut, training = self._cut, self._training
        generator = np.random.default_rng([training.seed, epoch])
        offsets = np.asarray(self._histories.offsets)
        if cut.prefixes:
            windows = prefix_windows(offsets, self._n_targets, cut.max_length)
        else:
            windows = cut_windows(offsets, self._n_targets, cut.max_length, cut.overlap, generator)
        groups = group_windows(windows, training.batch_targets, generator, training.max_targets_per_epoch, cut.alike)
        seeds = generator.integers(0, 1 << 62, len(groups))
        order = shuffle_ties(self._histories, generator) if cut.shuffle_ties else None
        return [WindowBatch(windows, chosen, int(seed), order) for chosen, seed in zip(groups, seeds, strict=True)]

    def n_targets(self, batch: WindowBatch) -> int:
        """Targets in a batch."""
        return int(batch.windows.n_targets[batch.chosen].sum())

    def loss(self, network: nn.Module, batch: WindowBatch) -> Tensor:
        """Summed loss of a batch; the network is a `SequenceReader`."""
        reader = cast(SequenceReader, network)
        packed = pack_windows(batch.windows, batch.chosen)
        follow = self._moments.draw_next(packed.events[packed.places], np.random.default_rng(batch.seed))
        if batch.order is not None:
            packed, follow = replace(packed, events=batch.order[packed.events]), batch.order[follow]
        device = reader.device
        sequences = read_windows(self._histories, packed, device)
        places = as_tensor(packed.places, device)
        types = None if reader.asked is None else as_tensor(self._histories.event_type[follow], device)
        targets = as_tensor(self._histories.item_index[follow], device)
        return self._loss(reader, ask(reader, sequences, places, targets, types))

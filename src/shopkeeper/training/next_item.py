"""The objective of sequence models: after each event, tell what follows from the whole catalog or from a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from shopkeeper.data.batches import Windows, collate, cut_windows, group_windows
from shopkeeper.data.histories import Histories
from shopkeeper.data.moments import Moments
from shopkeeper.nn.embedding import ItemTable
from shopkeeper.nn.losses import ABSENT, CHUNK_BYTES, sampled_softmax_loss, softmax_loss
from shopkeeper.nn.negatives import NegativeSampler
from shopkeeper.nn.repeats import RepeatBonus
from shopkeeper.types import Int64Array

if TYPE_CHECKING:
    from shopkeeper.training.settings import TrainingSettings


class SequenceNetwork(Protocol):
    """A network that reads items and is compared with their embeddings."""

    items: ItemTable
    repeats: RepeatBonus | None

    def __call__(self, items: Tensor) -> Tensor:
        """Hidden states, float [b, length, width], of items int64 [b, length] padded with 0 on the right."""


@dataclass(frozen=True)
class WindowBatch:
    """Windows of one epoch that make a batch: the cuts of the epoch, places in them, and a seed to draw targets."""

    windows: Windows
    chosen: Int64Array
    seed: int


@dataclass(frozen=True)
class _Read:
    """A batch as the network has read it.

    Attributes:
        items: int64 [b, length].
        places: int64 [n]; flat places that have a target.
        targets: int64 [n].
        states: Float [b, length, width].
    """

    items: Tensor
    places: Tensor
    targets: Tensor
    states: Tensor

    @property
    def history(self) -> Tensor:
        """Items of the window of each target, int64 [n, length]."""
        return self.items[self.places // self.items.shape[1]]

    def at_places(self, values: Tensor) -> Tensor:
        """The rows of [b, length, x] that have a target, [n, x]."""
        return values.flatten(0, 1)[self.places]


@dataclass(frozen=True)
class NextItemLoss:
    """Which loss, and its numbers.

    Attributes:
        name: "softmax" over the whole catalog, "sampled_softmax" over items drawn for each batch.
        n_negatives: Items drawn for a batch.
        popularity_power: They are drawn in proportion to their count to this power; 0 is uniform.
        chunk_bytes: Memory of one chunk of logits of the full softmax.
    """

    name: Literal["softmax", "sampled_softmax"] = "softmax"
    n_negatives: int = 1024
    popularity_power: float = 0.0
    chunk_bytes: int = CHUNK_BYTES


class NextItemObjective:
    """Predict each event of each history from those before it.

    Args:
        histories: What to learn from.
        n_items: Size of the catalog.
        max_length: Longest window.
        loss: Which loss.
        training: For the seed and the size of batches.
        overlap: Context events at the start of windows after the first of a history; below `max_length`.
        moments: What may follow each event; None takes the next moment.
    """

    def __init__(
        self,
        histories: Histories,
        n_items: int,
        max_length: int,
        loss: NextItemLoss,
        training: TrainingSettings,
        overlap: int = 0,
        moments: Moments | None = None,
    ) -> None:
        self._offsets = np.asarray(histories.offsets)
        self._items = np.asarray(histories.item_index)
        self._moments = moments or Moments(histories)
        self._n_targets = self._moments.n_targets()
        self._max_length = max_length
        self._overlap = overlap
        self._loss = loss
        self._training = training
        self._counts = np.bincount(self._items, minlength=n_items + 1).astype(np.int64)
        self._sampler: NegativeSampler | None = None

    def plan(self, epoch: int) -> Sequence[WindowBatch]:
        """The batches of an epoch, in random order; cuts of long histories move from epoch to epoch."""
        generator = np.random.default_rng([self._training.seed, epoch])
        windows = cut_windows(self._offsets, self._n_targets, self._max_length, self._overlap, generator)
        groups = group_windows(windows, self._training.batch_targets, generator, self._training.max_targets_per_epoch)
        seeds = generator.integers(0, 1 << 62, len(groups))
        return [WindowBatch(windows, chosen, int(seed)) for chosen, seed in zip(groups, seeds, strict=True)]

    def n_targets(self, batch: WindowBatch) -> int:
        """Targets in a batch."""
        return int(batch.windows.n_targets[batch.chosen].sum())

    def loss(self, network: nn.Module, batch: WindowBatch) -> Tensor:
        """Summed cross-entropy of a batch; the network is a `SequenceNetwork`."""
        reader = cast(SequenceNetwork, network)
        generator = np.random.default_rng(batch.seed)
        arrays = collate(
            self._items, batch.windows, batch.chosen, lambda events: self._moments.draw_next(events, generator)
        )
        device = reader.items.device
        items, places, targets = (torch.from_numpy(a).to(device) for a in (arrays.items, arrays.places, arrays.targets))
        read = _Read(items, places, targets, reader(items))
        return self._full(reader, read) if self._loss.name == "softmax" else self._sampled(reader, read)

    def _full(self, reader: SequenceNetwork, read: _Read) -> Tensor:
        bonus = None
        if reader.repeats is not None:
            bonus = ((read.history - 1).clamp(min=0), read.at_places(reader.repeats(read.items)))
        table = reader.items.rows()[1:]
        return softmax_loss(read.at_places(read.states), table, read.targets - 1, self._loss.chunk_bytes, bonus)

    def _sampled(self, reader: SequenceNetwork, read: _Read) -> Tensor:
        negatives, log_expected = self._draw(read.items.device)
        rows = reader.items.rows(torch.cat([read.targets, negatives]))
        positive, negative = rows[: len(read.targets)], rows[len(read.targets) :]
        hits, own = read.targets[:, None] == negatives, None
        if reader.repeats is not None:
            own, among_own = _own_history(reader, reader.repeats, read, negatives)
            hits |= among_own
        return sampled_softmax_loss(read.at_places(read.states), positive, negative, hits, log_expected, own)

    def _draw(self, device: torch.device) -> tuple[Tensor, Tensor]:
        if self._sampler is None or self._sampler.device != device:
            self._sampler = NegativeSampler(self._counts, self._loss.popularity_power, device)
        return self._sampler.draw(self._loss.n_negatives)


def _own_history(
    reader: SequenceNetwork, repeats: RepeatBonus, read: _Read, negatives: Tensor
) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Compares each target with all items of its own history: a sample would hardly ever hold them.

    Returns:
        The bonus of each target and the logits of its history (for `sampled_softmax_loss`), and where the sample holds
        an item of the history, bool [n, k].
    """
    logits = read.at_places(read.states @ reader.items.rows(read.items.flatten()).view(*read.items.shape, -1).mT)
    bonus, counted = read.at_places(repeats(read.items)), read.at_places(repeats.counted(read.items))
    right = read.history == read.targets[:, None]
    others = (logits + bonus).masked_fill(~counted | right, ABSENT)
    place_of = torch.full((len(reader.items.embedding.weight),), len(negatives), device=read.items.device)
    place_of[negatives] = torch.arange(len(negatives), device=read.items.device)
    columns = place_of[read.history].masked_fill(~counted, len(negatives))
    among = torch.zeros(len(read.places), len(negatives) + 1, dtype=torch.bool, device=read.items.device)
    return ((bonus * right).sum(dim=1), others), among.scatter_(1, columns, True)[:, :-1]

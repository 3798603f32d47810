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
from shopkeeper.nn.losses import CHUNK_BYTES, sampled_softmax_loss, softmax_loss
from shopkeeper.nn.negatives import NegativeSampler
from shopkeeper.types import Int64Array

if TYPE_CHECKING:
    from shopkeeper.training.settings import TrainingSettings


class SequenceNetwork(Protocol):
    """A network that reads items and is compared with their embeddings."""

    items: ItemTable

    def __call__(self, items: Tensor) -> Tensor:
        """Hidden states, float [b, length, width], of items int64 [b, length] padded with 0 on the right."""


@dataclass(frozen=True)
class WindowBatch:
    """Windows of one epoch that make a batch: the cuts of the epoch, places in them, and a seed to draw targets."""

    windows: Windows
    chosen: Int64Array
    seed: int


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
        ordered: Take the order of rows for the order of events, even of those at the same time.
    """

    def __init__(
        self,
        histories: Histories,
        n_items: int,
        max_length: int,
        loss: NextItemLoss,
        training: TrainingSettings,
        overlap: int = 0,
        ordered: bool = False,
    ) -> None:
        self._offsets = np.asarray(histories.offsets)
        self._items = np.asarray(histories.item_index)
        self._moments = Moments(histories, ordered)
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
        hidden = reader(items).flatten(0, 1)[places]
        if self._loss.name == "softmax":
            return softmax_loss(hidden, reader.items.rows()[1:], targets - 1, self._loss.chunk_bytes)
        negatives, log_expected = self._draw(device)
        rows = reader.items.rows(torch.cat([targets, negatives]))
        positive, negative = rows[: len(targets)], rows[len(targets) :]
        return sampled_softmax_loss(hidden, positive, negative, targets[:, None] == negatives, log_expected)

    def _draw(self, device: torch.device) -> tuple[Tensor, Tensor]:
        if self._sampler is None or self._sampler.device != device:
            self._sampler = NegativeSampler(self._counts, self._loss.popularity_power, device)
        return self._sampler.draw(self._loss.n_negatives)

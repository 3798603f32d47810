"""The objective of sequence models: after each event, tell what follows from the whole catalog or from a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor, nn

from shopkeeper.data.batches import Windows, cut_windows, group_windows, pack_windows, prefix_windows
from shopkeeper.data.histories import Histories
from shopkeeper.data.moments import Moments, shuffle_ties
from shopkeeper.nn.full_softmax import CHUNK_BYTES, full_precision, softmax_loss
from shopkeeper.nn.losses import ABSENT, SampledLossName, contrastive_loss, keep_hardest, sampled_loss
from shopkeeper.nn.negatives import NegativeSampler
from shopkeeper.nn.repeats import RepeatBonus
from shopkeeper.nn.sequence_network import SequenceNetwork
from shopkeeper.nn.sequences import Sequences
from shopkeeper.training.reading import as_tensor, read_windows
from shopkeeper.types import Int64Array

if TYPE_CHECKING:
    from shopkeeper.training.settings import TrainingSettings

LossName: TypeAlias = Literal["softmax"] | SampledLossName


@dataclass(frozen=True)
class NextItemLoss:
    """Which loss, and its numbers.

    Attributes:
        name: "softmax" over the whole catalog; all others compare with items drawn for each batch.
        n_negatives: Items drawn for a batch.
        popularity_power: They are drawn in proportion to their count to this power; 0 is uniform.
        in_batch: Take the targets of the batch in place of items drawn.
        hardest: Only so many of them, the highest for each target, count; None counts all.
        calibration: Of "gbce".
        smoothing: Label smoothing of "softmax".
        contrast: Weight of the contrast of two views of each state; 0 has none.
        chunk_bytes: Memory of one chunk of logits of the full softmax.
    """

    name: LossName = "softmax"
    n_negatives: int = 1024
    popularity_power: float = 0.0
    in_batch: bool = False
    hardest: int | None = None
    calibration: float = 0.75
    smoothing: float = 0.0
    contrast: float = 0.0
    chunk_bytes: int = CHUNK_BYTES


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


@dataclass(frozen=True)
class _Read:
    """A batch as the network has read it.

    Attributes:
        sequences: What was read, n events.
        places: int64 [m]; events that have a target.
        targets: int64 [m].
        states: Float [n, size].
        queries: Float [m, width]; what is compared with items.
    """

    sequences: Sequences
    places: Tensor
    targets: Tensor
    states: Tensor
    queries: Tensor

    @property
    def history(self) -> Tensor:
        """Items of the sequence of each target, int64 [m, longest], 0 on the right."""
        return self.sequences.pad(self.sequences.items)[self.sequences.rows[self.places]]

    def at_places(self, padded: Tensor) -> Tensor:
        """The rows of [b, longest, x] that have a target, [m, x]."""
        return padded.flatten(0, 1)[self.sequences.cells[self.places]]


class NextItemObjective:
    """Predict each event of each history from those before it.

    Args:
        histories: What to learn from.
        n_items: Size of the catalog.
        cut: How histories are cut into windows.
        loss: Which loss.
        training: For the seed and the size of batches.
        moments: What may follow each event; None takes the next moment.
    """

    def __init__(
        self,
        histories: Histories,
        n_items: int,
        cut: WindowSettings,
        loss: NextItemLoss,
        training: TrainingSettings,
        moments: Moments | None = None,
    ) -> None:
        self._histories = histories
        self._moments = moments or Moments(histories)
        self._n_targets = self._moments.n_targets()
        self._cut = cut
        self._loss = loss
        self._training = training
        self._counts = np.bincount(histories.item_index, minlength=n_items + 1).astype(np.int64)
        self._sampler: NegativeSampler | None = None
        self._sampled: SampledLossName | None = None if loss.name == "softmax" else loss.name

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
        """Summed loss of a batch; the network is a `SequenceNetwork`."""
        reader = cast(SequenceNetwork, network)
        read = self._read(reader, batch)
        loss = self._full(reader, read) if self._sampled is None else self._compare(reader, read, self._sampled)
        if self._loss.contrast and self.n_targets(batch) > 1:
            other = reader(read.sequences)
            same = read.targets[:, None] == read.targets
            loss = loss + self._loss.contrast * contrastive_loss(read.states[read.places], other[read.places], same)
        return loss

    def _read(self, reader: SequenceNetwork, batch: WindowBatch) -> _Read:
        packed = pack_windows(batch.windows, batch.chosen)
        follow = self._moments.draw_next(packed.events[packed.places], np.random.default_rng(batch.seed))
        if batch.order is not None:
            packed, follow = replace(packed, events=batch.order[packed.events]), batch.order[follow]
        device = reader.items.device
        sequences = read_windows(self._histories, packed, device)
        places = as_tensor(packed.places, device)
        states = reader(sequences)
        asked = None if reader.asked is None else as_tensor(self._histories.event_type[follow], device)
        targets = as_tensor(self._histories.item_index[follow], device)
        return _Read(sequences, places, targets, states, reader.query(states[places], asked))

    def _full(self, reader: SequenceNetwork, read: _Read) -> Tensor:
        bonus = None
        if reader.repeats is not None:
            padded = read.sequences.pad(read.sequences.items)
            bonus = ((read.history - 1).clamp(min=0), read.at_places(reader.repeats(padded)))
        table, settings = reader.items.rows()[1:], self._loss
        return softmax_loss(read.queries, table, read.targets - 1, settings.chunk_bytes, bonus, settings.smoothing)

    def _compare(self, reader: SequenceNetwork, read: _Read, name: SampledLossName) -> Tensor:
        negatives, log_expected = self._draw(read.targets)
        rows = full_precision(reader.items.rows(torch.cat([read.targets, negatives])))
        queries = full_precision(read.queries)
        right = (queries * rows[: len(read.targets)]).sum(dim=1)
        others, hits = queries @ rows[len(read.targets) :].T, read.targets[:, None] == negatives
        if reader.repeats is not None:
            bonus, own, among_own = _own_history(reader, reader.repeats, read, negatives)
            right, others, hits = (
                right + bonus,
                torch.cat([own, others], dim=1),
                torch.cat([own <= ABSENT, hits | among_own], 1),
            )
            log_expected = torch.cat([log_expected.new_zeros(own.shape[1]), log_expected])
        others = keep_hardest(others.masked_fill(hits, ABSENT), self._loss.hardest)
        loss = sampled_loss(name, len(self._counts) - 1, len(negatives), self._loss.calibration)
        return loss(right, others, log_expected)

    def _draw(self, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Items to compare with, int64 [k], and the logarithm of their expected number, float32 [k]."""
        power = 1.0 if self._loss.in_batch else self._loss.popularity_power
        if self._sampler is None or self._sampler.device != targets.device:
            self._sampler = NegativeSampler(self._counts, power, targets.device)
        if self._loss.in_batch:
            return targets, self._sampler.log_expected(targets, len(targets))
        return self._sampler.draw(self._loss.n_negatives)


def _own_history(
    reader: SequenceNetwork, repeats: RepeatBonus, read: _Read, negatives: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Compares each target with all items of its own history: a sample would hardly ever hold them.

    Returns:
        The bonus of each target, float [m]; the logits of its history, float [m, longest], `ABSENT` where none counts;
        and where the sample holds an item of the history, bool [m, k].
    """
    padded, history = read.sequences.pad(read.sequences.items), read.history
    logits = torch.einsum("mw,mlw->ml", read.queries, reader.items.rows(history))
    bonus, counted = read.at_places(repeats(padded)), read.at_places(repeats.counted(padded))
    right = history == read.targets[:, None]
    others = (logits + bonus).masked_fill(~counted | right, ABSENT)
    place_of = torch.full((len(reader.items.embedding.weight),), len(negatives), device=negatives.device)
    place_of[negatives] = torch.arange(len(negatives), device=negatives.device)
    columns = place_of[history].masked_fill(~counted, len(negatives))
    among = torch.zeros(len(read.places), len(negatives) + 1, dtype=torch.bool, device=negatives.device)
    return (bonus * right).sum(dim=1), others, among.scatter_(1, columns, True)[:, :-1]

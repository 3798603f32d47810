"""The objective of models that read both ways: events are masked, and told from those before and after them.

Sun et al., "BERT4Rec", CIKM 2019. At serving the masked event stands after the history, where nothing follows it. So
beside rows with random masks there are rows that end at a random event, with one masked event in place of what follows:
in each epoch one at least for each shopper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn

from shopkeeper.data.batches import PackedWindows, Windows, cut_windows, group_windows, pack_last, pack_windows
from shopkeeper.data.histories import Histories
from shopkeeper.data.moments import Moments, shuffle_ties
from shopkeeper.nn.sequence_network import SequenceNetwork
from shopkeeper.nn.sequences import Sequences
from shopkeeper.training.item_loss import ItemLoss, ItemLossSettings, ask
from shopkeeper.training.next_item import WindowSettings
from shopkeeper.training.reading import as_tensor, read_windows
from shopkeeper.types import BoolArray, Int64Array

if TYPE_CHECKING:
    from numpy.random import Generator

    from shopkeeper.training.settings import TrainingSettings


@dataclass(frozen=True)
class MaskShares:
    """How much is masked.

    Attributes:
        masked: Share of events that are masked in rows with random masks.
        asked: Share of events after which what follows is asked for, in a row of its own.
    """

    masked: float = 0.2
    asked: float = 0.5


@dataclass(frozen=True)
class MaskedRows:
    """Rows of one epoch, one after the other.

    Attributes:
        windows: Where each row lies in the arrays below; its `n_targets` are its masked events.
        events: int64 [n]; places in the log; a masked event is its own target.
        masked: bool [n].
    """

    windows: Windows
    events: Int64Array
    masked: BoolArray


@dataclass(frozen=True)
class MaskedBatch:
    """Rows of one epoch that make a batch."""

    rows: MaskedRows
    chosen: Int64Array


class MaskedItemObjective:
    """Tell masked events from the rest of their history.

    Args:
        histories: What to learn from.
        n_items: Size of the catalog.
        cut: How histories are cut into windows; of prefixes it knows nothing.
        loss: Which loss.
        training: For the seed and the size of batches.
        shares: How much is masked.
        moments: What may follow each event; None takes the next moment.
        wanted: bool [events]; only these are masked; None wants all.
    """

    def __init__(
        self,
        histories: Histories,
        n_items: int,
        cut: WindowSettings,
        loss: ItemLossSettings,
        training: TrainingSettings,
        shares: MaskShares,
        moments: Moments | None = None,
        wanted: BoolArray | None = None,
    ) -> None:
        self._histories = histories
        self._moments = moments or Moments(histories)
        self._cut = cut
        self._training = training
        self._shares = shares
        self._wanted = wanted
        counts = np.bincount(histories.item_index, minlength=n_items + 1).astype(np.int64)
        self._loss = ItemLoss(loss, counts, training.matmul_precision)

    def plan(self, epoch: int) -> Sequence[MaskedBatch]:
        """The batches of an epoch, in random order; masks are new in each epoch."""
        training = self._training
        generator = np.random.default_rng([training.seed, epoch])
        rows = self._rows(generator)
        groups = group_windows(
            rows.windows, training.batch_targets, generator, training.max_targets_per_epoch, self._cut.alike
        )
        return [MaskedBatch(rows, chosen) for chosen in groups]

    def n_targets(self, batch: MaskedBatch) -> int:
        """Masked events in a batch."""
        return int(batch.rows.windows.n_targets[batch.chosen].sum())

    def loss(self, network: nn.Module, batch: MaskedBatch) -> Tensor:
        """Summed loss of a batch; the network is a `SequenceNetwork`."""
        reader, rows, histories = cast(SequenceNetwork, network), batch.rows, self._histories
        packed = pack_windows(rows.windows, batch.chosen)
        events, masked = rows.events[packed.events], rows.masked[packed.events]
        device = reader.items.device
        packed = PackedWindows(events, packed.lengths, np.flatnonzero(masked))
        sequences = read_windows(histories, packed, device)
        sequences = mask_events(sequences, torch.from_numpy(masked).to(device))
        targets = as_tensor(histories.item_index[events[masked]], device)
        types = None if reader.asked is None else as_tensor(histories.event_type[events[masked]], device)
        return self._loss(reader, ask(reader, sequences, as_tensor(packed.places, device), targets, types))

    def _rows(self, generator: Generator) -> MaskedRows:
        order = shuffle_ties(self._histories, generator) if self._cut.shuffle_ties else None
        cloze, last = self._cloze(generator, order), self._last(generator)
        if order is not None:
            cloze, last = (replace(rows, events=order[rows.events]) for rows in (cloze, last))
        return _joined(cloze, last)

    def _cloze(self, generator: Generator, order: Int64Array | None) -> MaskedRows:
        """Windows with random masks; those without one are left out, as are shoppers with one event."""
        offsets = np.asarray(self._histories.offsets)
        lengths = np.where(np.diff(offsets) > 1, np.diff(offsets), 0)
        windows = cut_windows(offsets, lengths, self._cut.max_length, self._cut.overlap, generator)
        packed = pack_windows(windows, np.arange(len(windows)))
        masked = np.zeros(len(packed.events), dtype=bool)
        masked[packed.places] = generator.random(len(packed.places)) < self._shares.masked
        if self._wanted is not None:
            masked &= self._wanted[packed.events if order is None else order[packed.events]]
        return _masked_rows(packed.events, packed.lengths, masked)

    def _last(self, generator: Generator) -> MaskedRows:
        """Rows that end at random events, one for each shopper at least, and then one that follows, masked."""
        n_targets = self._moments.n_targets()
        starts = np.repeat(np.asarray(self._histories.offsets[:-1]), n_targets)
        first = np.cumsum(n_targets) - n_targets
        chosen = generator.random(len(starts)) < self._shares.asked
        some = n_targets > 0
        chosen[first[some] + generator.integers(0, n_targets[some])] = True
        ends = (starts + np.arange(len(starts)) - np.repeat(first, n_targets))[chosen]
        starts = starts[chosen]
        lengths = np.minimum(ends - starts + 1, self._cut.max_length - 1) + 1
        packed = pack_windows(Windows(ends + 2 - lengths, lengths, np.ones_like(lengths)), np.arange(len(ends)))
        events = packed.events.copy()
        events[packed.places] = self._moments.draw_next(ends, generator)
        masked = np.zeros(len(events), dtype=bool)
        masked[packed.places] = True
        return _masked_rows(events, lengths, masked)


def _masked_rows(events: Int64Array, lengths: Int64Array, masked: BoolArray) -> MaskedRows:
    """Rows one after the other, without those where nothing is masked."""
    starts = np.cumsum(lengths) - lengths
    before = np.concatenate([[0], np.cumsum(masked)])
    n_masked = before[starts + lengths] - before[starts]
    kept = n_masked > 0
    return MaskedRows(Windows(starts[kept], lengths[kept], n_masked[kept]), events, masked)


def _joined(one: MaskedRows, other: MaskedRows) -> MaskedRows:
    windows = Windows(
        np.concatenate([one.windows.start, other.windows.start + len(one.events)]),
        np.concatenate([one.windows.n_inputs, other.windows.n_inputs]),
        np.concatenate([one.windows.n_targets, other.windows.n_targets]),
    )
    return MaskedRows(windows, np.concatenate([one.events, other.events]), np.concatenate([one.masked, other.masked]))


def read_before_masked(histories: Histories, rows: Int64Array, max_length: int, device: torch.device) -> Sequences:
    """The most recent events of some shoppers, each followed by a masked event.

    Args:
        histories: Of many shoppers.
        rows: int64 [b]; which of them; each has an event.
        max_length: Most events of each, the masked one included.
        device: Where the sequences shall be.
    """
    packed = pack_last(histories, rows, max_length - 1)
    events = np.insert(packed.events, packed.places + 1, packed.events[packed.places])
    lengths = packed.lengths + 1
    masked = np.zeros(len(events), dtype=bool)
    masked[np.cumsum(lengths) - 1] = True
    sequences = read_windows(histories, PackedWindows(events, lengths, np.flatnonzero(masked)), device)
    return mask_events(sequences, torch.from_numpy(masked).to(device))


def mask_events(sequences: Sequences, masked: Tensor) -> Sequences:
    """Hides what is asked for: all becomes 0, but the time that of the last event before that is not masked.

    Args:
        sequences: n events.
        masked: bool [n].
    """
    times = sequences.times
    if times is not None:
        places = torch.arange(len(masked), device=masked.device)
        shown = torch.where(masked & (sequences.positions > 0), 0, places)
        times = times[shown.cummax(0).values]
    return replace(
        sequences,
        items=sequences.items.masked_fill(masked, 0),
        types=None if sequences.types is None else sequences.types.masked_fill(masked, 0),
        times=times,
        placements=None if sequences.placements is None else sequences.placements.masked_fill(masked, 0),
    )

"""Compares what a sequence network asks for with the items of the catalog: by any loss, whatever the objective asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

import torch
from torch import Tensor

from shopkeeper.nn.full_softmax import CHUNK_BYTES, full_precision, softmax_loss
from shopkeeper.nn.losses import ABSENT, SampledLossName, contrastive_loss, keep_hardest, sampled_loss
from shopkeeper.nn.matmul_precision import resolve
from shopkeeper.nn.negatives import NegativeSampler
from shopkeeper.nn.repeats import RepeatBonus
from shopkeeper.nn.sequence_network import SequenceNetwork, SequenceReader
from shopkeeper.nn.sequences import Sequences
from shopkeeper.types import Int64Array

LossName: TypeAlias = Literal["softmax"] | SampledLossName


@dataclass(frozen=True)
class ItemLossSettings:
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
class Asked:
    """A batch as the network has read it, and what it should have told.

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


def ask(reader: SequenceReader, sequences: Sequences, places: Tensor, targets: Tensor, types: Tensor | None) -> Asked:
    """Lets a network read sequences and asks it at some places.

    Args:
        reader: The network.
        sequences: n events.
        places: int64 [m].
        targets: int64 [m]; items.
        types: int64 [m]; codes of the types of their events, where the network is asked for one.
    """
    states = reader(sequences)
    return Asked(sequences, places, targets, states, reader.query(states[places], types))


class ItemLoss:
    """The loss of a batch.

    Args:
        settings: Which.
        counts: int64 [n_items + 1]; events of each item in training.
        precision: Of the products of the full softmax; see `TrainingSettings.matmul_precision`.
    """

    def __init__(self, settings: ItemLossSettings, counts: Int64Array, precision: str = "auto") -> None:
        self._settings = settings
        self._counts = counts
        self._precision = precision
        self._sampler: NegativeSampler | None = None

    def __call__(self, reader: SequenceReader, asked: Asked) -> Tensor:
        """Summed over targets, a scalar; the network is a `SequenceNetwork`."""
        reader = cast(SequenceNetwork, reader)
        settings, name = self._settings, self._settings.name
        loss = self._full(reader, asked) if name == "softmax" else self._compare(reader, asked, name)
        if settings.contrast and len(asked.targets) > 1:
            other = reader(asked.sequences)
            same = asked.targets[:, None] == asked.targets
            views = asked.states[asked.places], other[asked.places]
            loss = loss + settings.contrast * contrastive_loss(*views, same)
        return loss

    def _full(self, reader: SequenceNetwork, asked: Asked) -> Tensor:
        bonus = None
        if reader.repeats is not None:
            padded = asked.sequences.pad(asked.sequences.items)
            bonus = ((asked.history - 1).clamp(min=0), asked.at_places(reader.repeats(padded)))
        table, settings = reader.items.rows()[1:], self._settings
        precision = resolve(self._precision, table.device)
        return softmax_loss(
            asked.queries, table, asked.targets - 1, settings.chunk_bytes, bonus, settings.smoothing, precision
        )

    def _compare(self, reader: SequenceNetwork, asked: Asked, name: SampledLossName) -> Tensor:
        negatives, log_expected = self._draw(asked.targets)
        rows = full_precision(reader.items.rows(torch.cat([asked.targets, negatives])))
        queries = full_precision(asked.queries)
        right = (queries * rows[: len(asked.targets)]).sum(dim=1)
        others, hits = queries @ rows[len(asked.targets) :].T, asked.targets[:, None] == negatives
        if reader.repeats is not None:
            bonus, own, among_own = _own_history(reader, reader.repeats, asked, negatives)
            right, others, hits = (
                right + bonus,
                torch.cat([own, others], dim=1),
                torch.cat([own <= ABSENT, hits | among_own], 1),
            )
            log_expected = torch.cat([log_expected.new_zeros(own.shape[1]), log_expected])
        others = keep_hardest(others.masked_fill(hits, ABSENT), self._settings.hardest)
        loss = sampled_loss(name, len(self._counts) - 1, len(negatives), self._settings.calibration)
        return loss(right, others, log_expected)

    def _draw(self, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Items to compare with, int64 [k], and the logarithm of their expected number, float32 [k]."""
        power = 1.0 if self._settings.in_batch else self._settings.popularity_power
        if self._sampler is None or self._sampler.device != targets.device:
            self._sampler = NegativeSampler(self._counts, power, targets.device)
        if self._settings.in_batch:
            return targets, self._sampler.log_expected(targets, len(targets))
        return self._sampler.draw(self._settings.n_negatives)


def _own_history(
    reader: SequenceNetwork, repeats: RepeatBonus, asked: Asked, negatives: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Compares each target with all items of its own history: a sample would hardly ever hold them.

    Returns:
        The bonus of each target, float [m]; the logits of its history, float [m, longest], `ABSENT` where none counts;
        and where the sample holds an item of the history, bool [m, k].
    """
    padded, history = asked.sequences.pad(asked.sequences.items), asked.history
    logits = torch.einsum("mw,mlw->ml", asked.queries, reader.items.rows(history))
    bonus, counted = asked.at_places(repeats(padded)), asked.at_places(repeats.counted(padded))
    right = history == asked.targets[:, None]
    others = (logits + bonus).masked_fill(~counted | right, ABSENT)
    place_of = torch.full((len(reader.items.embedding.weight),), len(negatives), device=negatives.device)
    place_of[negatives] = torch.arange(len(negatives), device=negatives.device)
    columns = place_of[history].masked_fill(~counted, len(negatives))
    among = torch.zeros(len(asked.places), len(negatives) + 1, dtype=torch.bool, device=negatives.device)
    return (bonus * right).sum(dim=1), others, among.scatter_(1, columns, True)[:, :-1]

"""Sequences of events as tensors, packed: the events of one sequence after those of another, and no padding.

Layers that look at one event at a time (embeddings, norms, feed-forward networks) work on packed rows as they are.
Those that look along a sequence ask for the padded form, which is a view where all sequences are of one length.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class Sequences:
    """Events of b sequences.

    Attributes:
        items: int64 [n]; 0 is an item that is masked.
        lengths: int64 [b]; events of each sequence, at least 1; they sum up to n.
        types: int64 [n] or None; codes of the event types.
        times: int64 [n] or None; Unix seconds.
        placements: int64 [n] or None; codes of placements, 0 where not known.
    """

    items: Tensor
    lengths: Tensor
    types: Tensor | None = None
    times: Tensor | None = None
    placements: Tensor | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def longest(self) -> int:
        """Events of the longest sequence."""
        return int(self.lengths.max())

    @cached_property
    def is_even(self) -> bool:
        """Whether all sequences are of one length."""
        return len(self) * self.longest == len(self.items)

    @cached_property
    def ends(self) -> Tensor:
        """Place of the last event of each sequence, int64 [b]."""
        return self.lengths.cumsum(0) - 1

    @cached_property
    def rows(self) -> Tensor:
        """The sequence of each event, int64 [n]."""
        places = torch.arange(len(self), device=self.items.device)
        return places.repeat_interleave(self.lengths, output_size=len(self.items))

    @cached_property
    def positions(self) -> Tensor:
        """The place of each event in its sequence, int64 [n], from 0."""
        return torch.arange(len(self.items), device=self.items.device) - (self.ends - self.lengths + 1)[self.rows]

    @cached_property
    def cells(self) -> Tensor:
        """The flat place of each event in the padded form, int64 [n]."""
        return self.rows * self.longest + self.positions

    @cached_property
    def is_real(self) -> Tensor:
        """Which cells of the padded form hold an event, bool [b, longest]."""
        return torch.arange(self.longest, device=self.items.device) < self.lengths[:, None]

    def pad(self, values: Tensor) -> Tensor:
        """The padded form: [n, ...] to [b, longest, ...], zeros on the right."""
        if self.is_even:
            return values.reshape(len(self), self.longest, *values.shape[1:])
        padded = values.new_zeros(len(self) * self.longest, *values.shape[1:])
        return padded.index_copy(0, self.cells, values).view(len(self), self.longest, *values.shape[1:])

    def pack(self, padded: Tensor) -> Tensor:
        """Back from the padded form: [b, longest, ...] to [n, ...]."""
        flat = padded.flatten(0, 1)
        return flat if self.is_even else flat[self.cells]

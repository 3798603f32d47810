"""What a network reads of an event: its item, and perhaps its type, its time, and its placement.

Each is an embedding, and they are added up. What is not known of the sequences is not read.
"""

from __future__ import annotations

from typing import Final, cast

import torch
from torch import Tensor, nn

from shopkeeper.nn.embedding import STD, ItemTable
from shopkeeper.nn.sequences import Sequences

GAP_BUCKETS: Final = 32
"""Times between events are told apart by their logarithm to the base 2, up to a hundred years."""
HOURS: Final = 24
WEEKDAYS: Final = 7
HOUR: Final = 3600
"""Seconds."""


def log_buckets(seconds: Tensor) -> Tensor:
    """Bucket of a length of time: 0 for none, then one for each doubling; int64 of the shape of `seconds` (int64)."""
    return (seconds.clamp(min=0) + 1).double().log2().long().clamp(max=GAP_BUCKETS - 1)


class EventEmbedding(nn.Module):
    """Adds up the embeddings of all that is read of an event, normalizes, drops.

    Args:
        size: Width.
        n_types: Event types are numbered below this; 0 reads none.
        gaps: Read the time since the event before.
        calendar: Read the hour of the day and the weekday (UTC).
        prices: Read the price level of the item: int64 [n_items + 1], from 0; None reads none.
        dropout: Share dropped, in training.
        n_placements: Placements are numbered below this, 0 is one that is not known; 0 reads none.
    """

    def __init__(
        self,
        size: int,
        n_types: int = 0,
        gaps: bool = False,
        calendar: bool = False,
        prices: Tensor | None = None,
        dropout: float = 0.0,
        n_placements: int = 0,
    ) -> None:
        super().__init__()
        self.types = _embedding(n_types, size) if n_types else None
        self.gaps = _embedding(GAP_BUCKETS, size) if gaps else None
        self.hours = _embedding(HOURS, size) if calendar else None
        self.weekdays = _embedding(WEEKDAYS, size) if calendar else None
        self.prices: nn.Embedding | None = None
        if prices is not None:
            self.register_buffer("price_level", prices)
            self.prices = _embedding(int(prices.max()) + 1, size)
        self.placements = _embedding(n_placements, size, unknown=0) if n_placements else None
        self.norm = nn.LayerNorm(size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, items: ItemTable, sequences: Sequences) -> Tensor:
        """Embeds events.

        Args:
            items: Embeddings of the items.
            sequences: n events.

        Returns:
            Float [n, size].
        """
        hidden = items(sequences.items).to(self.norm.weight.dtype)
        if self.types is not None and sequences.types is not None:
            hidden = hidden + self.types(sequences.types)
        if self.prices is not None:
            hidden = hidden + self.prices(cast(Tensor, self.price_level)[sequences.items])
        if self.placements is not None and sequences.placements is not None:
            hidden = hidden + self.placements(sequences.placements)
        if sequences.times is not None:
            hidden = self._with_times(hidden, sequences, sequences.times)
        return cast(Tensor, self.dropout(self.norm(hidden)))

    def _with_times(self, hidden: Tensor, sequences: Sequences, times: Tensor) -> Tensor:
        if self.gaps is not None:
            before = torch.where(sequences.positions > 0, times.roll(1), times)
            hidden = hidden + self.gaps(log_buckets(times - before))
        if self.hours is not None and self.weekdays is not None:
            hours = times.div(HOUR, rounding_mode="floor")
            days = hours.div(HOURS, rounding_mode="floor")
            hidden = hidden + self.hours(hours.remainder(HOURS)) + self.weekdays(days.remainder(WEEKDAYS))
        return hidden


def _embedding(n: int, size: int, unknown: int | None = None) -> nn.Embedding:
    """Small random rows; that of the unknown is zero and stays so."""
    table = nn.Embedding(n, size, padding_idx=unknown)
    nn.init.normal_(table.weight, std=STD)
    if unknown is not None:
        with torch.no_grad():
            table.weight[unknown] = 0
    return table

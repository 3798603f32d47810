"""HSTU: attention without a softmax, gated, that knows how far and how long ago an event was.

Zhai et al., "Actions speak louder than words: trillion-parameter sequential transducers for generative
recommendations", ICML 2024. An event adds up what it finds in the events before it with weights SiLU(score), not made
to sum up to one, so that *how much* of a taste a history holds is kept; the sum, normalized, is gated by the event
itself. The score has a learned bias by distance and one by time, in buckets of its logarithm.

The authors take the time from the *next* event, which at serving is now; here it is from the event that asks, so that
a state is made of its event and those before it, and of nothing that is later.
"""

from __future__ import annotations

from typing import Final, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from shopkeeper.nn.attention import RelativeBias
from shopkeeper.nn.sequences import Sequences

STEPS: Final = 3
"""Buckets of time for each doubling."""
BUCKETS: Final = 96
"""So that a hundred years have one."""


def pairwise_buckets(sequences: Sequences) -> Tensor | None:
    """Bucket of the time from each event to each, int64 [b, longest, longest]; None where times are not known.

    Row = event that asks, column = event asked; 0 where the latter is not earlier.
    """
    if sequences.times is None:
        return None
    times = sequences.pad(sequences.times)
    return _buckets(times[:, :, None] - times[:, None, :])


def last_buckets(sequences: Sequences) -> Tensor | None:
    """Bucket of the time from the last event of each sequence to each, int64 [b, longest]; None without times."""
    if sequences.times is None:
        return None
    return _buckets(sequences.times[sequences.ends, None] - sequences.pad(sequences.times))


def _buckets(seconds: Tensor) -> Tensor:
    return ((seconds.clamp(min=0) + 1).double().log2() * STEPS).long().clamp(max=BUCKETS - 1)


class PointwiseAttention(nn.Module):
    """One layer: project, attend, gate, add to the input.

    Args:
        size: Width of the hidden states; a multiple of `n_heads`.
        n_heads: Number of heads.
        max_length: Longest sequence.
        dropout: Share of the gated values dropped in training.
        time_bias: Learn a bias by time.
    """

    def __init__(self, size: int, n_heads: int, max_length: int, dropout: float = 0.0, time_bias: bool = True) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm_in = nn.LayerNorm(size)
        self.project_in = nn.Linear(size, 4 * size)
        self.by_distance = RelativeBias(n_heads, max_length)
        self.by_time = nn.Parameter(torch.zeros(BUCKETS, n_heads)) if time_bias else None
        self.norm_mixed = nn.LayerNorm(size)
        self.dropout = nn.Dropout(dropout)
        self.project_out = nn.Linear(size, size)

    def forward(self, hidden: Tensor, sequences: Sequences, buckets: Tensor | None = None) -> Tensor:
        """Attends.

        Args:
            hidden: Float [n, size].
            sequences: The events.
            buckets: What `pairwise_buckets` gives of them.

        Returns:
            Float [n, size].
        """
        size = hidden.shape[1]
        projected = functional.silu(self.project_in(self.norm_in(hidden)))
        gate, split = projected[:, :size], sequences.pad(projected[:, size:])
        split = split.view(*split.shape[:2], 3, self.n_heads, size // self.n_heads)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        scores = query @ key.transpose(-1, -2) * (size // self.n_heads) ** -0.5
        seen = torch.arange(1, sequences.longest + 1, device=hidden.device)
        weights = functional.silu(scores + self._bias(sequences.longest, buckets)).tril() / seen[:, None]
        mixed = sequences.pack((weights @ value).transpose(1, 2).flatten(2))
        return hidden + cast(Tensor, self.project_out(self.dropout(self.norm_mixed(mixed) * gate)))

    def last(self, hidden: Tensor, sequences: Sequences, buckets: Tensor | None = None) -> Tensor:
        """The same for the last event of each sequence alone.

        Args:
            hidden: Float [n, size].
            sequences: b sequences.
            buckets: What `last_buckets` gives of them.

        Returns:
            Float [b, size].
        """
        size = hidden.shape[1]
        normed, weight, bias = self.norm_in(hidden), self.project_in.weight, self.project_in.bias
        asking = functional.silu(functional.linear(normed[sequences.ends], weight[: 2 * size], bias[: 2 * size]))
        gate, query = asking[:, :size], asking[:, size:].view(-1, self.n_heads, 1, size // self.n_heads)
        split = sequences.pad(functional.silu(functional.linear(normed, weight[2 * size :], bias[2 * size :])))
        split = split.view(*split.shape[:2], 2, self.n_heads, size // self.n_heads)
        key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        scores = (query @ key.transpose(-1, -2) * (size // self.n_heads) ** -0.5).squeeze(2)
        scores = scores + self.by_distance.last(sequences.lengths, sequences.longest)
        if self.by_time is not None and buckets is not None:
            scores = scores + functional.embedding(buckets, self.by_time).transpose(1, 2)
        seen = sequences.is_real[:, None]
        weights = functional.silu(scores.masked_fill(~seen, 0.0)) / sequences.lengths[:, None, None]
        mixed = (weights[:, :, None] @ value).flatten(1)
        return hidden[sequences.ends] + cast(Tensor, self.project_out(self.dropout(self.norm_mixed(mixed) * gate)))

    def _bias(self, length: int, buckets: Tensor | None) -> Tensor:
        """Float [n_heads, length, length], or [b, n_heads, length, length] with times; finite everywhere."""
        bias = self.by_distance(length)
        bias = bias.masked_fill(bias.isneginf(), 0.0)
        if self.by_time is None or buckets is None:
            return cast(Tensor, bias)
        return cast(Tensor, bias + functional.embedding(buckets, self.by_time).permute(0, 3, 1, 2))


class HSTUEncoder(nn.Module):
    """Layers of pointwise attention, and a norm.

    Args:
        size: Width of the hidden states.
        n_layers: Number of layers.
        n_heads: Attention heads in each.
        max_length: Longest sequence.
        dropout: Share dropped inside the layers.
        time_bias: Learn biases by time.
    """

    def __init__(
        self, size: int, n_layers: int, n_heads: int, max_length: int, dropout: float = 0.0, time_bias: bool = True
    ) -> None:
        super().__init__()
        self.time_bias = time_bias
        self.layers = nn.ModuleList(
            PointwiseAttention(size, n_heads, max_length, dropout, time_bias) for _ in range(n_layers)
        )
        self.norm = nn.LayerNorm(size)

    def forward(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """Transforms hidden states, float [n, size], to the same shape."""
        buckets = pairwise_buckets(sequences) if self.time_bias else None
        for layer in self.layers:
            hidden = layer(hidden, sequences, buckets)
        return cast(Tensor, self.norm(hidden))

    def last(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """The state of the last event of each sequence, float [b, size]; the last layer spares itself the others."""
        several = self.time_bias and len(self.layers) > 1
        buckets = pairwise_buckets(sequences) if several else None
        for layer in self.layers[:-1]:
            hidden = layer(hidden, sequences, buckets)
        asked = last_buckets(sequences) if self.time_bias else None
        return cast(Tensor, self.norm(cast(PointwiseAttention, self.layers[-1]).last(hidden, sequences, asked)))

"""Causal self-attention with relative positions, and the transformer block around it.

The position of an event enters only as a bias on the attention by its distance to the event that asks (Shaw et al.
2018; Raffel et al. 2020, without their buckets). The hidden state of an event then depends on the events before it and
on nothing else, so that training on a whole sequence at once equals training on each of its prefixes.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional


class RelativeBias(nn.Module):
    """A learned number for each head and distance.

    Args:
        n_heads: Number of heads.
        max_length: Distances from 0 to `max_length - 1` are told apart.
    """

    def __init__(self, n_heads: int, max_length: int) -> None:
        super().__init__()
        self.by_distance = nn.Parameter(torch.zeros(n_heads, max_length))

    def forward(self, length: int) -> Tensor:
        """The bias to add to attention scores.

        Args:
            length: Number of events, at most `max_length`.

        Returns:
            Float [n_heads, length, length]; row = event that asks, column = event asked; minus infinity for later ones.
        """
        bias = self.by_distance[:, :length]
        line = torch.cat([bias.new_full((len(bias), length - 1), float("-inf")), bias], dim=1)
        return line.unfold(1, length, 1).flip(2)  # entry (i, j) is line[i - j + length - 1]


class CausalSelfAttention(nn.Module):
    """Multi-head attention of each event to itself and the events before it.

    Args:
        size: Width of the hidden states; a multiple of `n_heads`.
        n_heads: Number of heads.
        max_length: Longest sequence.
        dropout: Share of attention weights dropped in training.
    """

    def __init__(self, size: int, n_heads: int, max_length: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.dropout = dropout
        self.project_in = nn.Linear(size, 3 * size)
        self.project_out = nn.Linear(size, size)
        self.bias = RelativeBias(n_heads, max_length)

    def forward(self, hidden: Tensor) -> Tensor:
        """Attends.

        Args:
            hidden: Float [b, length, size]; rows padded on the right.

        Returns:
            Float [b, length, size]; what stands at padded places is meaningless.
        """
        b, length, size = hidden.shape
        split = self.project_in(hidden).view(b, length, 3, self.n_heads, size // self.n_heads)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        scores = query @ key.transpose(-1, -2) * (size // self.n_heads) ** -0.5 + self.bias(length)
        weights = functional.dropout(scores.softmax(-1), self.dropout, self.training)
        mixed = (weights @ value).transpose(1, 2).reshape(b, length, size)
        return cast(Tensor, self.project_out(mixed))


class TransformerBlock(nn.Module):
    """Attention and a feed-forward network, each added to its input and normalized after ("post-norm").

    On small embeddings this learns far faster than normalizing before.

    Args:
        size: Width of the hidden states.
        n_heads: Number of heads.
        max_length: Longest sequence.
        dropout: Share of values dropped after attention and within the feed-forward network.
        attention_dropout: Share of attention weights dropped.
        expansion: Width of the feed-forward network's inside as a multiple of `size`.
    """

    def __init__(
        self,
        size: int,
        n_heads: int,
        max_length: int,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        expansion: int = 4,
    ) -> None:
        super().__init__()
        self.attention = CausalSelfAttention(size, n_heads, max_length, attention_dropout)
        self.feed_forward = nn.Sequential(
            nn.Linear(size, expansion * size), nn.GELU(), nn.Linear(expansion * size, size)
        )
        self.norm_attention = nn.LayerNorm(size)
        self.norm_feed_forward = nn.LayerNorm(size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        """Transforms hidden states, float [b, length, size], to the same shape."""
        hidden = self.norm_attention(hidden + self.dropout(self.attention(hidden)))
        return cast(Tensor, self.norm_feed_forward(hidden + self.dropout(self.feed_forward(hidden))))

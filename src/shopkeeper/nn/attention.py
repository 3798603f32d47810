"""Self-attention with relative positions, and the transformer that is made of it.

The position of an event enters only as a bias on the attention by its distance to the event that asks (Shaw et al.
2018; Raffel et al. 2020, without their buckets). Under causal attention the hidden state of an event then depends on
the events before it and on nothing else, so that training on a whole sequence at once equals training on each of its
prefixes.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from shopkeeper.nn.sequences import Sequences


class RelativeBias(nn.Module):
    """A learned number for each head and distance.

    Args:
        n_heads: Number of heads.
        max_length: Distances from 0 to `max_length - 1` are told apart.
        causal: Forbid attention to later events; otherwise they have numbers of their own.
    """

    def __init__(self, n_heads: int, max_length: int, causal: bool = True) -> None:
        super().__init__()
        self.by_distance = nn.Parameter(torch.zeros(n_heads, max_length))
        self.by_distance_ahead = None if causal else nn.Parameter(torch.zeros(n_heads, max_length - 1))

    def forward(self, length: int) -> Tensor:
        """The bias to add to attention scores.

        Args:
            length: Number of events, at most `max_length`.

        Returns:
            Float [n_heads, length, length]; row = event that asks, column = event asked; minus infinity where it may
            not be seen.
        """
        bias = self.by_distance[:, :length]
        if self.by_distance_ahead is None:
            ahead = bias.new_full((len(bias), length - 1), float("-inf"))
        else:
            ahead = self.by_distance_ahead[:, : length - 1].flip(1)
        line = torch.cat([ahead, bias], dim=1)
        return line.unfold(1, length, 1).flip(2)  # entry (i, j) is line[i - j + length - 1]

    def last(self, lengths: Tensor, longest: int) -> Tensor:
        """The bias when the last event of each sequence asks.

        Args:
            lengths: int64 [b].
            longest: The largest of them.

        Returns:
            Float [b, n_heads, longest]; minus infinity beyond the end of a sequence.
        """
        distance = lengths[:, None] - 1 - torch.arange(longest, device=lengths.device)
        bias = self.by_distance[:, distance.clamp(min=0)].transpose(0, 1)
        return bias.masked_fill((distance < 0)[:, None], float("-inf"))


class SelfAttention(nn.Module):
    """Multi-head attention of each event to the events of its sequence, to itself and earlier ones where causal.

    Args:
        size: Width of the hidden states; a multiple of `n_heads`.
        n_heads: Number of heads.
        max_length: Longest sequence.
        dropout: Share of attention weights dropped in training.
        causal: See only earlier events.
    """

    def __init__(self, size: int, n_heads: int, max_length: int, dropout: float = 0.0, causal: bool = True) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.dropout = dropout
        self.causal = causal
        self.project_in = nn.Linear(size, 3 * size)
        self.project_out = nn.Linear(size, size)
        self.bias = RelativeBias(n_heads, max_length, causal)

    def forward(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """Attends; hidden states float [n, size] to the same shape."""
        size = hidden.shape[1]
        split = sequences.pad(self.project_in(hidden))
        split = split.view(*split.shape[:2], 3, self.n_heads, size // self.n_heads)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        scores = query @ key.transpose(-1, -2) * (size // self.n_heads) ** -0.5 + self.bias(sequences.longest)
        if not self.causal and not sequences.is_even:
            scores = scores.masked_fill(~sequences.is_real[:, None, None, :], float("-inf"))
        weights = functional.dropout(scores.softmax(-1), self.dropout, self.training)
        mixed = (weights @ value).transpose(1, 2).flatten(2)
        return cast(Tensor, self.project_out(sequences.pack(mixed)))

    def last(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """What the last event of each sequence attends to alone: hidden states float [n, size] to float [b, size]."""
        size = hidden.shape[1]
        weight, bias = self.project_in.weight, self.project_in.bias
        asking = functional.linear(hidden[sequences.ends], weight[:size], bias[:size])
        query = asking.view(-1, self.n_heads, 1, size // self.n_heads)
        split = sequences.pad(functional.linear(hidden, weight[size:], bias[size:]))
        split = split.view(*split.shape[:2], 2, self.n_heads, size // self.n_heads)
        key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        scores = (query @ key.transpose(-1, -2) * (size // self.n_heads) ** -0.5).squeeze(2)
        weights = (scores + self.bias.last(sequences.lengths, sequences.longest)).softmax(-1)
        mixed = (weights[:, :, None] @ value).flatten(1)
        return cast(Tensor, self.project_out(mixed))


class FeedForward(nn.Module):
    """Two linear layers with a GELU between them.

    Args:
        size: Width of the hidden states.
        expansion: Width inside as a multiple of `size`.
        dropout: Share dropped inside, in training.
    """

    def __init__(self, size: int, expansion: int = 4, dropout: float = 0.0) -> None:
        super().__init__()
        self.inner = nn.Linear(size, expansion * size)
        self.outer = nn.Linear(expansion * size, size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        """Transforms hidden states, float [..., size], to the same shape."""
        return cast(Tensor, self.outer(self.dropout(functional.gelu(self.inner(hidden)))))


class TransformerBlock(nn.Module):
    """A layer that mixes events, then a feed-forward network, each added to its input and normalized after.

    On small embeddings this ("post-norm") learns far faster than normalizing before.

    Args:
        size: Width of the hidden states.
        mixer: Takes hidden states [n, size] and their `Sequences`, gives [n, size].
        dropout: Share of values dropped after either layer.
    """

    def __init__(self, size: int, mixer: nn.Module, dropout: float = 0.0) -> None:
        super().__init__()
        self.mixer = mixer
        self.feed_forward = FeedForward(size)
        self.norm_mixer = nn.LayerNorm(size)
        self.norm_feed_forward = nn.LayerNorm(size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """Transforms hidden states, float [n, size], to the same shape."""
        return self._after(hidden, self.mixer(hidden, sequences))

    def last(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """The same for the last event of each sequence alone, float [b, size]; the mixer is a `SelfAttention`."""
        return self._after(hidden[sequences.ends], cast(SelfAttention, self.mixer).last(hidden, sequences))

    def _after(self, hidden: Tensor, mixed: Tensor) -> Tensor:
        hidden = self.norm_mixer(hidden + self.dropout(mixed))
        return cast(Tensor, self.norm_feed_forward(hidden + self.dropout(self.feed_forward(hidden))))


class Transformer(nn.Module):
    """Blocks of self-attention, one after the other.

    Args:
        size: Width of the hidden states.
        n_layers: Number of blocks.
        n_heads: Attention heads in each block.
        max_length: Longest sequence.
        dropout: Share dropped inside the blocks and of the attention weights.
        causal: See only earlier events.
    """

    def __init__(
        self, size: int, n_layers: int, n_heads: int, max_length: int, dropout: float = 0.0, causal: bool = True
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            TransformerBlock(size, SelfAttention(size, n_heads, max_length, dropout, causal), dropout)
            for _ in range(n_layers)
        )

    def forward(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """Transforms hidden states, float [n, size], to the same shape."""
        for block in self.blocks:
            hidden = block(hidden, sequences)
        return hidden

    def last(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """The state of the last event of each sequence, float [b, size]; the last block spares itself the others."""
        for block in self.blocks[:-1]:
            hidden = block(hidden, sequences)
        return cast(TransformerBlock, self.blocks[-1]).last(hidden, sequences)

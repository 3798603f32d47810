"""BSARec: self-attention beside a branch that hears slow and fast changes of taste apart.

Shin et al., "An attentive inductive bias for sequential recommendation beyond the self-attention", AAAI 2024.
Self-attention averages, and so loses what changes fast. Each block therefore mixes it with a branch that divides a
sequence into its low frequencies and the rest, and weighs the rest anew.

The authors take the low frequencies from a Fourier transform of the whole sequence. There every event hears the later
ones, so that each target needs a row of its own with the events before it alone. Here the low frequencies are a causal
moving average: at each event the mean of the events so far, with weights that fall by distance, are learned, and sum up
to one. A sequence that does not change passes it as it is, as the lowest frequency does, and nothing passes it
amplified. Training on a whole sequence at once then equals training on each of its prefixes, in a fraction of the time.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from shopkeeper.nn.attention import FeedForward, RelativeBias, SelfAttention
from shopkeeper.nn.sequences import Sequences


class FrequencyFilter(nn.Module):
    """Low frequencies as they are, high ones times the square of a learned number for each channel.

    The channels are divided among moving averages that start as exponential ones, the first over about two events, each
    further one over twice as many.

    Args:
        size: Width of the hidden states; a multiple of `n_scales`.
        n_scales: Number of moving averages.
        max_length: Longest sequence.
    """

    def __init__(self, size: int, n_scales: int, max_length: int) -> None:
        super().__init__()
        self.average = RelativeBias(n_scales, max_length)
        kept = 1 - 0.5 ** torch.arange(1, n_scales + 1)
        self.average.by_distance.data = kept.log()[:, None] * torch.arange(max_length)
        self.beta = nn.Parameter(torch.randn(size))

    def forward(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """Filters hidden states, float [n, size], to the same shape."""
        low = self.low(hidden, sequences)
        return low + self.beta.square() * (hidden - low)

    def last(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """The last event of each sequence alone: hidden states float [n, size] to float [b, size]."""
        weights = self.average.last(sequences.lengths, sequences.longest).softmax(-1)
        parts = sequences.pad(hidden).view(len(sequences), sequences.longest, weights.shape[1], -1)
        low = torch.einsum("bsj,bjsd->bsd", weights, parts).flatten(1)
        return low + self.beta.square() * (hidden[sequences.ends] - low)

    def low(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """The moving averages of hidden states, float [n, size]."""
        weights = self.average(sequences.longest).softmax(-1)
        parts = sequences.pad(hidden)
        parts = parts.view(*parts.shape[:2], len(weights), -1)
        return sequences.pack(torch.einsum("sij,bjsd->bisd", weights, parts).flatten(2))


class FrequencyBlock(nn.Module):
    """The filter and self-attention side by side, mixed; then a feed-forward network. All post-norm.

    Args:
        size: Width of the hidden states.
        frequencies: One of the two that are mixed.
        attention: The other.
        alpha: Share of the filter; the rest is that of attention.
        dropout: Share of values dropped after each of the three.
    """

    def __init__(
        self,
        size: int,
        frequencies: FrequencyFilter,
        attention: SelfAttention,
        alpha: float,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.alpha = alpha
        self.frequencies = frequencies
        self.attention = attention
        self.feed_forward = FeedForward(size)
        self.norm_frequencies = nn.LayerNorm(size)
        self.norm_attention = nn.LayerNorm(size)
        self.norm_feed_forward = nn.LayerNorm(size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """Transforms hidden states, float [n, size], to the same shape."""
        return self._after(hidden, self.frequencies(hidden, sequences), self.attention(hidden, sequences))

    def last(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """The same for the last event of each sequence alone, float [b, size]."""
        low = self.frequencies.last(hidden, sequences)
        return self._after(hidden[sequences.ends], low, self.attention.last(hidden, sequences))

    def _after(self, hidden: Tensor, filtered: Tensor, mixed: Tensor) -> Tensor:
        heard = self.norm_frequencies(hidden + self.dropout(filtered))
        attended = self.norm_attention(hidden + self.dropout(mixed))
        hidden = self.alpha * heard + (1 - self.alpha) * attended
        return cast(Tensor, self.norm_feed_forward(hidden + self.dropout(self.feed_forward(hidden))))


class BSARecEncoder(nn.Module):
    """Blocks of frequencies and attention, one after the other.

    Args:
        size: Width of the hidden states; a multiple of `n_heads` and of `n_scales`.
        n_layers: Number of blocks.
        n_heads: Attention heads in each block.
        max_length: Longest sequence.
        n_scales: Moving averages in each block.
        alpha: Share of the frequencies in the mix.
        dropout: Share dropped inside the blocks and of the attention weights.
    """

    def __init__(
        self,
        size: int,
        n_layers: int,
        n_heads: int,
        max_length: int,
        n_scales: int = 4,
        alpha: float = 0.5,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            FrequencyBlock(
                size,
                FrequencyFilter(size, n_scales, max_length),
                SelfAttention(size, n_heads, max_length, dropout),
                alpha,
                dropout,
            )
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
        return cast(FrequencyBlock, self.blocks[-1]).last(hidden, sequences)

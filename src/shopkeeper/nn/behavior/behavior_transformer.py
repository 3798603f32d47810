"""A transformer over the whole sequence of behaviors with the item at its end, and a head for each behavior.

Attention is causal: the states of the events do not depend on the item behind them. So a history is read once, and each
item that is asked about runs through the layers alone, looking at the states of the same layer.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from shopkeeper.nn.attention import FeedForward, RelativeBias
from shopkeeper.nn.behavior.batch import Embedded
from shopkeeper.nn.behavior.layers import flat
from shopkeeper.nn.behavior.network import Body


class AppendingBlock(nn.Module):
    """One block of causal self-attention over events, and over items that stand at their end.

    Args:
        size: Width of vectors.
        n_heads: Attention heads.
        max_length: Longest history, its begin included.
        dropout: Share dropped, in training.
    """

    def __init__(self, size: int, n_heads: int, max_length: int, dropout: float) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.project_in = nn.Linear(size, 3 * size)
        self.project_out = nn.Linear(size, size)
        self.bias = RelativeBias(n_heads, max_length + 1)
        self.feed_forward = FeedForward(size, 2, dropout)
        self.norm_attention, self.norm_feed_forward = nn.LayerNorm(size), nn.LayerNorm(size)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, events: Tensor, items: Tensor, lengths: Tensor, whose: Tensor, last: bool
    ) -> tuple[Tensor, Tensor]:
        """States behind this block.

        Args:
            events: Float [h, length, size].
            items: Float [b, size].
            lengths: int64 [h].
            whose: int64 [b].
            last: No block follows, so that states of events are not asked for.

        Returns:
            Float [h, length, size] and float [b, size].
        """
        query, key, value = self._heads(self.project_in(events))
        own_query, own_key, own_value = (part.squeeze(2) for part in self._heads(self.project_in(items)[:, None, :]))
        length, width = events.shape[1], key.shape[3]
        before = (own_query[:, :, None] @ key[whose].transpose(2, 3)).squeeze(2) * width**-0.5
        distance = (lengths[whose, None] - torch.arange(length, device=lengths.device)).clamp(min=0)
        before = before + self.bias.by_distance[:, distance].transpose(0, 1)
        before = before.masked_fill((distance == 0)[:, None, :], float("-inf"))
        itself = (own_query * own_key).sum(dim=2, keepdim=True) * width**-0.5 + self.bias.by_distance[:, :1]
        weights = torch.cat([before, itself], dim=2).softmax(dim=2)
        mixed = (weights[:, :, None, :-1] @ value[whose]).squeeze(2) + weights[:, :, -1:] * own_value
        items = self._after(items, mixed.flatten(1))
        if not last:
            scores = query @ key.transpose(2, 3) * width**-0.5 + self.bias(length)
            events = self._after(events, (scores.softmax(dim=3) @ value).transpose(1, 2).flatten(2))
        return events, items

    def _heads(self, projected: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Float [n, length, 3 size] to three of float [n, heads, length, width]."""
        parts = projected.view(*projected.shape[:2], 3, self.n_heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        return query, key, value

    def _after(self, hidden: Tensor, mixed: Tensor) -> Tensor:
        hidden = self.norm_attention(hidden + self.dropout(self.project_out(mixed)))
        return cast(Tensor, self.norm_feed_forward(hidden + self.dropout(self.feed_forward(hidden))))


class BehaviorTransformerBody(Body):
    """Blocks over the sequence; the state of the item meets the features in a network of its own for each behavior.

    Args:
        size: Width of vectors.
        n_layers: Blocks.
        n_heads: Attention heads.
        max_length: Longest history, its begin included.
        dropout: Share dropped, in training.
        perceptrons: One a head, of features, fields and one vector more; each gives one logit.
    """

    def __init__(
        self, size: int, n_layers: int, n_heads: int, max_length: int, dropout: float, perceptrons: nn.ModuleList
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(AppendingBlock(size, n_heads, max_length, dropout) for _ in range(n_layers))
        self.norm = nn.LayerNorm(size)
        self.perceptrons = perceptrons

    def forward(self, embedded: Embedded) -> Tensor:
        """Logits, float [b, heads]."""
        sequences = embedded.sequences
        events = self.norm(sequences.pad(embedded.events))
        items = self.norm(embedded.item)
        for place, block in enumerate(self.blocks):
            last = place + 1 == len(self.blocks)
            events, items = block(events, items, sequences.lengths, embedded.whose, last)
        whole = flat(embedded, functional.relu(items))
        return torch.cat([perceptron(whole) for perceptron in self.perceptrons], dim=1)

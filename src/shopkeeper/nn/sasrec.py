"""The network of SASRec: item embeddings, causal transformer blocks, one hidden state for each event.

Kang and McAuley, "Self-attentive sequential recommendation", ICDM 2018, with what later work found to matter: relative
in place of absolute positions, a layer norm on the item embedding, post-norm blocks.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from shopkeeper.nn.attention import TransformerBlock
from shopkeeper.nn.embedding import ItemTable


class SASRecNetwork(nn.Module):
    """Reads sequences of items; its output is compared with item embeddings by inner product.

    Args:
        items: Embeddings of the items; their width is that of the hidden states.
        n_layers: Number of blocks.
        n_heads: Attention heads in each block.
        max_length: Longest sequence.
        dropout: Share dropped inside the blocks.
        repeats: Learn a bonus for items of the history (`RepeatBonus`).
        embedding_dropout: Share dropped of the embedded input.
    """

    def __init__(
        self,
        items: ItemTable,
        n_layers: int = 2,
        n_heads: int = 2,
        max_length: int = 50,
        dropout: float = 0.3,
        embedding_dropout: float = 0.4,
        repeats: bool = False,
    ) -> None:
        super().__init__()
        self.items = items
        size = items.embedding.embedding_dim
        self.repeats = items.repeat_bonus(max_length) if repeats else None
        self.norm_input = nn.LayerNorm(size)
        self.drop_input = nn.Dropout(embedding_dropout)
        self.blocks = nn.ModuleList(
            TransformerBlock(size, n_heads, max_length, dropout, attention_dropout=dropout) for _ in range(n_layers)
        )

    def forward(self, items: Tensor) -> Tensor:
        """Hidden state after each event.

        Args:
            items: int64 [b, length], padded with 0 on the right.

        Returns:
            Float [b, length, width] to compare with `self.items.rows()`; what stands at padded places is meaningless.
        """
        hidden = self.drop_input(self.norm_input(self.items(items)))
        for block in self.blocks:
            hidden = block(hidden)
        return self.items.beside(hidden)

    def last(self, items: Tensor, lengths: Tensor) -> Tensor:
        """Hidden state after the last event of each row.

        Args:
            items: int64 [b, length], padded with 0 on the right.
            lengths: int64 [b], at least 1.

        Returns:
            Float [b, width].
        """
        hidden = self(items)
        return cast(Tensor, hidden[torch.arange(len(items), device=hidden.device), lengths - 1])

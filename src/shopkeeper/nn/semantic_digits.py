"""Items as digits: what a network reads of an item whose semantic id is known, and how it tells the next id.

Reading adds up the embeddings of an item's digits, so that items that begin alike are read alike, and one that came
after training is read by digits that others taught. Telling is digit by digit: each has a small network that sees the
state of the history and the digits before it. One event is one place of the sequence, whatever the number of digits: a
history costs what it costs a model of item embeddings, and the softmax is over a few hundred values in place of the
catalog (against the flat sequences of TIGER, Rajput et al., NeurIPS 2023, a quarter of the places and less).
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from shopkeeper.nn.embedding import STD


class DigitTable(nn.Module):
    """Embeddings of items, each the sum of those of its digits.

    Args:
        digits: int64 [n_items + 1, levels]; row 0 is padding.
        sizes: Values of each digit.
        size: Width of the embeddings.
        vectors: Float [n_items + 1, width]; what else is known of the items, read through a linear layer; None for
            digits alone.
        own: Give each item an embedding of its own too.
    """

    digits: Tensor
    vectors: Tensor | None

    def __init__(
        self, digits: Tensor, sizes: tuple[int, ...], size: int, vectors: Tensor | None = None, own: bool = False
    ) -> None:
        super().__init__()
        self.sizes = sizes
        self.register_buffer("digits", digits)
        self.register_buffer("vectors", vectors)
        self.embedding = nn.Embedding(sum(sizes), size)
        nn.init.normal_(self.embedding.weight, std=STD)
        self.project = None if vectors is None else nn.Linear(vectors.shape[1], size, bias=False)
        self.own = nn.Embedding(len(digits), size) if own else None
        if self.own is not None:
            nn.init.normal_(self.own.weight, std=STD)

    def forward(self, items: Tensor) -> Tensor:
        """Embeddings of items (int64 of any shape), float of that shape and one more axis of `size`."""
        total = self.embedding(self.places(items)).sum(dim=-2)
        if self.project is not None and self.vectors is not None:
            total = total + self.project(self.vectors[items].to(self.project.weight.dtype))
        if self.own is not None:
            total = total + self.own(items)
        return cast(Tensor, total)

    def table(self) -> Tensor:
        """Embeddings of all items, float [n_items + 1, size]."""
        return cast(Tensor, self(torch.arange(len(self.digits), device=self.digits.device)))

    def places(self, items: Tensor) -> Tensor:
        """Rows of `embedding` of the digits of items, int64 [..., levels]."""
        return self.digits[items] + self._starts

    @property
    def _starts(self) -> Tensor:
        """The first row of each digit, int64 [levels]."""
        sizes = torch.tensor((0, *self.sizes[:-1]), device=self.digits.device)
        return sizes.cumsum(0)


class SemanticDecoder(nn.Module):
    """Tells the digits of the next item, each from the state of the history and the digits before it.

    Args:
        sizes: Values of each digit.
        size: Width of the states.
        dropout: Share dropped inside, in training.
    """

    def __init__(self, sizes: tuple[int, ...], size: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(values, size) for values in sizes[:-1])
        for table in self.embeddings:
            nn.init.normal_(cast(nn.Embedding, table).weight, std=STD)
        self.mixers = nn.ModuleList(
            nn.Sequential(nn.Linear(2 * size, 2 * size), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * size, size))
            for _ in sizes
        )
        self.norms = nn.ModuleList(nn.LayerNorm(size) for _ in sizes)
        self.outs = nn.ModuleList(nn.Linear(size, values) for values in sizes)

    def start(self, hidden: Tensor) -> Tensor:
        """The state and no digit: float [b, size] to float [b, 1, 2 size]."""
        return torch.cat([hidden, torch.zeros_like(hidden)], dim=-1)[:, None]

    def logits(self, known: Tensor, level: int) -> Tensor:
        """Of each value of a digit, float [..., 2 size] to float [..., sizes[level]]."""
        state = known[..., : known.shape[-1] // 2]
        mixed = self.norms[level](state + self.mixers[level](known))
        return cast(Tensor, self.outs[level](mixed))

    def follow(self, known: Tensor, digit: Tensor, level: int) -> Tensor:
        """With one digit more (int64 [...]), float [..., 2 size]; after the last there is nothing to tell."""
        if level == len(self.embeddings):
            return known
        return known + functional.pad(self.embeddings[level](digit), (known.shape[-1] // 2, 0))

    def log_probability(self, hidden: Tensor, digits: Tensor) -> Tensor:
        """Of ids after histories.

        Args:
            hidden: Float [b, size].
            digits: int64 [b, m, levels].

        Returns:
            Float [b, m].
        """
        known = self.start(hidden).expand(-1, digits.shape[1], -1)
        total = hidden.new_zeros(digits.shape[:2])
        for level in range(digits.shape[2]):
            digit = digits[..., level]
            gained = self.logits(known, level).log_softmax(dim=-1)
            total = total + gained.gather(-1, digit[..., None])[..., 0]
            known = self.follow(known, digit, level)
        return total

"""Networks that cross features: pairs by a factorization machine, powers by a cross network, two streams fused."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from shopkeeper.nn.behavior.batch import Embedded
from shopkeeper.nn.behavior.layers import Perceptron, flat, mean_of_events
from shopkeeper.nn.behavior.network import Body


class DeepFMBody(Body):
    """A line, all products of pairs, and a perceptron, added up (DeepFM; Guo et al., IJCAI 2017).

    Args:
        n_values: Number of features.
        n_fields: Number of fields.
        size: Width of vectors.
        perceptron: Of features, fields and the mean of the history; gives `heads` logits.
        heads: Logits of an example.
    """

    def __init__(self, n_values: int, n_fields: int, size: int, perceptron: nn.Module, heads: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.empty(n_values, size))
        nn.init.normal_(self.vectors, std=0.05)
        self.line = nn.Linear(n_values + n_fields * size, heads)
        self.pairs = nn.Linear(size, heads, bias=False)
        nn.init.ones_(self.pairs.weight)
        self.perceptron = perceptron

    def forward(self, embedded: Embedded) -> Tensor:
        """Logits, float [b, heads]."""
        pooled = mean_of_events(embedded)
        values = embedded.values
        total = values @ self.vectors + embedded.fields.sum(dim=1) + pooled
        squares = values.square() @ self.vectors.square() + embedded.fields.square().sum(dim=1) + pooled.square()
        products = (total.square() - squares) / 2  # of each pair of vectors, number by number
        deep = self.perceptron(flat(embedded, pooled))
        return cast(Tensor, self.line(flat(embedded)) + self.pairs(products) + deep)


class CrossLayer(nn.Module):
    """x0 * (W x + b) + x, W of low rank (DCN V2; Wang et al., WWW 2021).

    Args:
        width: Of x.
        rank: Of W.
    """

    def __init__(self, width: int, rank: int) -> None:
        super().__init__()
        self.narrow = nn.Linear(width, rank, bias=False)
        self.wide = nn.Linear(rank, width)

    def forward(self, first: Tensor, values: Tensor) -> Tensor:
        """Float [b, width] twice, to the same shape."""
        return cast(Tensor, first * self.wide(self.narrow(values)) + values)


class CrossBody(Body):
    """Cross layers beside a perceptron, joined by a line (DCN V2, in parallel).

    Args:
        width: Features, fields and one vector more, side by side.
        n_layers: Cross layers; each raises the degree by one.
        rank: Of their matrices.
        perceptron: Of `width`; gives `deep` numbers.
        deep: Width of what the perceptron gives.
        heads: Logits of an example.
    """

    def __init__(self, width: int, n_layers: int, rank: int, perceptron: nn.Module, deep: int, heads: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(CrossLayer(width, rank) for _ in range(n_layers))
        self.perceptron = perceptron
        self.line = nn.Linear(width + deep, heads)

    def forward(self, embedded: Embedded) -> Tensor:
        """Logits, float [b, heads]."""
        first = flat(embedded, mean_of_events(embedded))
        crossed = first
        for layer in self.layers:
            crossed = layer(first, crossed)
        return cast(Tensor, self.line(torch.cat([crossed, self.perceptron(first)], dim=1)))


class TwoStreamBody(Body):
    """Two perceptrons, each of its own choice of the input, and the products of what they say (FinalMLP).

    Mao et al., AAAI 2023. One gate listens to the item and its context, the other to the history of the shopper; the
    fusion is bilinear, in groups.

    Args:
        width: Features, fields and one vector more, side by side.
        n_fields: Number of fields.
        size: Width of vectors.
        hidden: Width of the two streams.
        dropout: Share dropped, in training.
        heads: Logits of an example.
        groups: Parts of the streams that are multiplied each by each; a divisor of `hidden`.
    """

    def __init__(
        self, width: int, n_fields: int, size: int, hidden: int, dropout: float, heads: int, groups: int = 4
    ) -> None:
        super().__init__()
        self.groups, self.heads = groups, heads
        self.gates = nn.ModuleList([Perceptron(n_fields * size, (hidden,), width), Perceptron(size, (hidden,), width)])
        self.streams = nn.ModuleList(Perceptron(width, (hidden,), hidden, dropout) for _ in range(2))
        self.lines = nn.ModuleList(nn.Linear(hidden, heads) for _ in range(2))
        part = hidden // groups
        self.products = nn.Parameter(torch.empty(groups, heads, part, part))
        nn.init.normal_(self.products, std=part**-1.0)

    def forward(self, embedded: Embedded) -> Tensor:
        """Logits, float [b, heads]."""
        pooled = mean_of_events(embedded)
        whole = flat(embedded, pooled)
        listened = (embedded.fields.flatten(1), pooled)
        one, other = (
            stream(whole * 2 * torch.sigmoid(gate(heard)))
            for stream, gate, heard in zip(self.streams, self.gates, listened, strict=True)
        )
        left, right = (values.view(len(values), self.groups, -1) for values in (one, other))
        fused = torch.einsum("bgi,ghij,bgj->bh", left, self.products, right)
        return cast(Tensor, self.lines[0](one) + self.lines[1](other) + fused)

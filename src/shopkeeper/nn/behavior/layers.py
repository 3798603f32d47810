"""Parts that many networks of examples are made of: the perceptron, its activation, the mean of a history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from shopkeeper.nn.behavior.batch import Embedded


class Dice(nn.Module):
    """A rectifier whose corner moves with the data (Zhou et al. 2018, Deep interest network, section 5.3).

    Args:
        size: Width of what comes in.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(size, affine=False)
        self.slope = nn.Parameter(torch.zeros(size))

    def forward(self, values: Tensor) -> Tensor:
        """Float [n, size] to the same shape."""
        alone = self.training and len(values) == 1  # one row has no spread
        gate = torch.full_like(values, 0.5) if alone else torch.sigmoid(self.norm(values))
        return gate * values + (1 - gate) * self.slope * values


class Perceptron(nn.Module):
    """Linear layers, each rectified and dropped out, and a last one that is not.

    Args:
        n_in: Width of what comes in.
        hidden: Widths of the hidden layers; empty is one linear layer.
        n_out: Width of what goes out.
        dropout: Share dropped after each hidden layer, in training.
        dice: Rectify by `Dice` in place of ReLU.
    """

    def __init__(self, n_in: int, hidden: Sequence[int], n_out: int, dropout: float = 0.0, dice: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in hidden:
            layers += [nn.Linear(n_in, width), Dice(width) if dice else nn.ReLU(), nn.Dropout(dropout)]
            n_in = width
        self.layers = nn.Sequential(*layers, nn.Linear(n_in, n_out))

    def forward(self, values: Tensor) -> Tensor:
        """Float [..., n_in] to float [..., n_out]."""
        return cast(Tensor, self.layers(values))


def flat(embedded: Embedded, *more: Tensor) -> Tensor:
    """Features, fields and more (float [b, any]) side by side, float [b, width]."""
    return torch.cat([embedded.values, embedded.fields.flatten(1), *more], dim=1)


def mean_of_events(embedded: Embedded) -> Tensor:
    """The mean of the events of each example's history, float [b, size]."""
    sequences = embedded.sequences
    sums = embedded.events.new_zeros(len(sequences), embedded.events.shape[1])
    sums = sums.index_add(0, sequences.rows, embedded.events)
    return (sums / sequences.lengths[:, None])[embedded.whose]

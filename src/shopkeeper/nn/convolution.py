"""Causal convolutions over packed sequences: each event with a few before it, never across the border of a sequence.

The rows of the events before are the same rows moved down; where a sequence had not begun they are zero. So there is no
padding, and a convolution is one matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from shopkeeper.nn.sequences import Sequences


def earlier(values: Tensor, sequences: Sequences, distance: int) -> Tensor:
    """What stood so many events before each event of its sequence, zero before the first.

    Args:
        values: Float [n, size].
        sequences: n events.
        distance: At least 0; 0 is the event itself.

    Returns:
        Float [n, size].
    """
    if distance == 0:
        return values
    moved = functional.pad(values, (0, 0, distance, 0))[: len(values)]
    return moved.masked_fill((sequences.positions < distance)[:, None], 0.0)


class CausalConvolution(nn.Module):
    """Each event with `width - 1` earlier ones, `dilation` apart.

    Args:
        size: Width of the hidden states, before and after.
        width: Number of events that make one.
        dilation: Distance between them.
    """

    def __init__(self, size: int, width: int, dilation: int) -> None:
        super().__init__()
        self.distances = [dilation * step for step in range(width)]
        self.weights = nn.Linear(width * size, size)

    def forward(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """Hidden states, float [n, size], to the same shape."""
        reached = [distance for distance in self.distances if distance < sequences.longest]
        seen = torch.cat([earlier(hidden, sequences, distance) for distance in reached], dim=1)
        return functional.linear(seen, self.weights.weight[:, : seen.shape[1]], self.weights.bias)


class DilatedBlock(nn.Module):
    """Two convolutions, the second with twice the dilation, each normalized and rectified, added to the input.

    Args:
        size: Width of the hidden states.
        width: Events that a convolution looks at.
        dilation: Distance between them in the first.
        dropout: Share dropped of what is added, in training.
    """

    def __init__(self, size: int, width: int, dilation: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.first = CausalConvolution(size, width, dilation)
        self.second = CausalConvolution(size, width, 2 * dilation)
        self.norm_first = nn.LayerNorm(size)
        self.norm_second = nn.LayerNorm(size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """Transforms hidden states, float [n, size], to the same shape."""
        inner = functional.relu(self.norm_first(self.first(hidden, sequences)))
        inner = functional.relu(self.norm_second(self.second(inner, sequences)))
        return hidden + cast(Tensor, self.dropout(inner))


class DilatedEncoder(nn.Module):
    """Blocks of dilated convolutions: few layers reach far back (NextItNet).

    Args:
        size: Width of the hidden states.
        width: Events that a convolution looks at.
        dilations: That of each block.
        dropout: Share dropped inside the blocks, in training.
    """

    def __init__(self, size: int, width: int, dilations: Sequence[int], dropout: float = 0.0) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(DilatedBlock(size, width, dilation, dropout) for dilation in dilations)
        self.norm = nn.LayerNorm(size)

    def forward(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """Transforms hidden states, float [n, size], to the same shape."""
        for block in self.blocks:
            hidden = block(hidden, sequences)
        return cast(Tensor, self.norm(hidden))


class WindowEncoder(nn.Module):
    """The last events as a picture, read by filters (Caser).

    A horizontal filter covers some neighboring events whole and is rectified; of the places within the window that lie
    in the sequence the strongest counts. A vertical filter is a weighted sum over the events of the window.

    Args:
        size: Width of the hidden states.
        window: Events in the picture.
        n_horizontal: Filters of each height from 1 to `window`.
        n_vertical: Vertical filters.
        dropout: Share dropped of what the filters found, in training.
    """

    def __init__(self, size: int, window: int, n_horizontal: int, n_vertical: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.window = window
        self.n_horizontal = n_horizontal
        self.horizontal = nn.Linear(window * size, window * n_horizontal)
        self.vertical = nn.Parameter(torch.empty(n_vertical, window))
        nn.init.normal_(self.vertical, std=window**-0.5)
        heights = torch.arange(1, window + 1)
        covered = (torch.arange(window) < heights[:, None]).repeat_interleave(n_horizontal, 0)
        self.register_buffer("covered", covered.repeat_interleave(size, 1), persistent=False)
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(window * n_horizontal + n_vertical * size, size)
        self.norm = nn.LayerNorm(size)

    def forward(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """Transforms hidden states, float [n, size], to the same shape."""
        picture = torch.stack([earlier(hidden, sequences, distance) for distance in range(self.window)], dim=1)
        found = torch.cat([self._strongest(picture, sequences), (self.vertical @ picture).flatten(1)], dim=1)
        return cast(Tensor, self.norm(hidden + self.project(self.dropout(found))))

    def _strongest(self, picture: Tensor, sequences: Sequences) -> Tensor:
        """What each horizontal filter found where it fits best, float [n, window * n_horizontal]."""
        weights = self.horizontal.weight.masked_fill(~cast(Tensor, self.covered), 0.0)
        ending_here = functional.relu(functional.linear(picture.flatten(1), weights, self.horizontal.bias))
        best = ending_here
        for distance in range(1, self.window):
            lower = (self.window - distance) * self.n_horizontal  # higher filters have no further place in the window
            moved = earlier(ending_here[:, :lower], sequences, distance)
            best = torch.cat([torch.maximum(best[:, :lower], moved), best[:, lower:]], dim=1)
        return best

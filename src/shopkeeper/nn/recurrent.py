"""Recurrent networks over packed sequences: a state that each event updates, and no work on padding.

Sequences of about one length run as a rectangle, which is the fastest form: what stands to the right of a sequence
cannot reach its states. Where that would be mostly padding they run step by step over those that still last.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from shopkeeper.nn.sequences import Sequences

Cell: TypeAlias = Literal["gru", "lstm"]
CELLS: Final[dict[Cell, type[nn.GRU] | type[nn.LSTM]]] = {"gru": nn.GRU, "lstm": nn.LSTM}

SPARE: Final = 1.25
"""A rectangle of at most so many cells an event is faster than no padding at all (measured on a CPU)."""


class RecurrentEncoder(nn.Module):
    """Layers of gated recurrent units, their output brought back to the width of the events.

    Args:
        size: Width of the hidden states that come in and go out.
        cell: "gru" (Cho et al. 2014) or "lstm" (Hochreiter and Schmidhuber 1997).
        cell_size: Width of the recurrent state.
        n_layers: Number of layers.
        dropout: Share dropped of the output of each layer, in training.
    """

    def __init__(self, size: int, cell: Cell, cell_size: int, n_layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        between = dropout if n_layers > 1 else 0.0
        self.cells = CELLS[cell](size, cell_size, n_layers, batch_first=True, dropout=between)
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(cell_size, size)
        self.norm = nn.LayerNorm(size)

    def forward(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """Transforms hidden states, float [n, size], to the same shape."""
        return self._after(hidden, self._states(hidden, sequences))

    def last(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """The state of the last event of each sequence, float [b, size]."""
        return self._after(hidden[sequences.ends], self._states(hidden, sequences)[sequences.ends])

    def _after(self, hidden: Tensor, states: Tensor) -> Tensor:
        return cast(Tensor, self.norm(hidden + self.project(self.dropout(states))))

    def _states(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """States of the last layer of cells, float [n, cell_size]."""
        if len(sequences) * sequences.longest <= SPARE * len(hidden):
            return sequences.pack(self.cells(sequences.pad(hidden))[0])
        return self._step_by_step(hidden, sequences)

    def _step_by_step(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """First events of all sequences, then the second ones of those that have one; states float [n, cell_size]."""
        rank = torch.argsort(torch.argsort(sequences.lengths, descending=True, stable=True))
        order = torch.argsort(sequences.positions * len(sequences) + rank[sequences.rows])
        running = torch.bincount(sequences.positions).cpu()
        states = self.cells(PackedSequence(hidden[order], running))[0].data
        return torch.empty_like(states).index_copy(0, order, states)

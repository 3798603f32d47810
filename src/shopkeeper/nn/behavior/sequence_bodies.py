"""Networks that read the history as a sequence and then meet the item."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from shopkeeper.nn.behavior.batch import Embedded
from shopkeeper.nn.behavior.layers import flat
from shopkeeper.nn.behavior.network import Body
from shopkeeper.nn.sequences import Sequences


class AppendedLSTMBody(Body):
    """An LSTM over the history with the item as its last event, dropout, and a line (the textbook classifier).

    The state before the item does not depend on it, so the history is read once for all items that are asked about.

    Args:
        size: Width of vectors.
        cell_size: Width of the state (Hochreiter and Schmidhuber 1997).
        dropout: Share dropped of the last state, in training.
        n_beside: Width of features and fields beside the state; 0 leaves them out.
        heads: Logits of an example.
    """

    def __init__(self, size: int, cell_size: int, dropout: float, n_beside: int, heads: int) -> None:
        super().__init__()
        self.cells = nn.LSTM(size, cell_size, batch_first=True)
        self.with_features = n_beside > 0
        self.dropout = nn.Dropout(dropout)
        self.line = nn.Linear(cell_size + n_beside, heads)

    def forward(self, embedded: Embedded) -> Tensor:
        """Logits, float [b, heads]."""
        lengths = embedded.sequences.lengths.cpu()
        packed = nn.utils.rnn.pack_padded_sequence(
            embedded.sequences.pad(embedded.events), lengths, batch_first=True, enforce_sorted=False
        )
        _, (hidden, cell) = self.cells(packed)
        before = tuple(state[:, embedded.whose].contiguous() for state in (hidden, cell))
        _, (last, _) = self.cells(embedded.item[:, None, :], before)
        state = self.dropout(last[0])
        return cast(Tensor, self.line(flat(embedded, state) if self.with_features else state))


class EncodedBody(Body):
    """The state of the history behind its last event, the item, their product, and all features into a perceptron.

    Args:
        encoder: Hidden states float [n, size] and their `Sequences` to float [n, size].
        perceptron: Of features, fields and three vectors more.
    """

    def __init__(self, encoder: nn.Module, perceptron: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.perceptron = perceptron

    def forward(self, embedded: Embedded) -> Tensor:
        """Logits, float [b, heads]."""
        states = self.encoder(embedded.events, embedded.sequences)[embedded.sequences.ends]
        state = states[embedded.whose]
        return cast(Tensor, self.perceptron(flat(embedded, state, embedded.item, state * embedded.item)))


class ConvolutionEncoder(nn.Module):
    """One filter bank over neighboring events, rectified, and the strongest of each filter over the history.

    Args:
        size: Width of vectors.
        width: Events that a filter covers.
    """

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.filters = nn.Conv1d(size, size, width, padding=width // 2)

    def forward(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """The strongest answers of a history at each of its events, float [n, size]."""
        found = torch.relu(self.filters(sequences.pad(hidden).transpose(1, 2)))[:, :, : sequences.longest]
        strongest = (found * sequences.is_real[:, None, :]).amax(dim=2)
        return strongest[sequences.rows]

"""The network of every sequence model: embed the events, let an encoder read them, tell the next item by its states.

Families differ in their encoder alone: a module that takes hidden states, float [n, size], and their `Sequences`, and
gives as many states, each made of its event and those before it.
"""

from __future__ import annotations

from typing import Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from shopkeeper.nn.embedding import STD, ItemTable
from shopkeeper.nn.event_embedding import EventEmbedding
from shopkeeper.nn.repeats import RepeatBonus
from shopkeeper.nn.sequences import Sequences


class Encoder(Protocol):
    """What reads a sequence."""

    def __call__(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """Hidden states, float [n, size], to the same shape."""


@runtime_checkable
class LastEncoder(Protocol):
    """An encoder that has a shorter way to the state of the last event of each sequence."""

    def last(self, hidden: Tensor, sequences: Sequences) -> Tensor:
        """Hidden states, float [n, size], to float [b, size]."""


class SequenceReader(nn.Module):
    """Reads sequences of events; what its states are for is told by those below.

    Args:
        items: Embeds items: `ItemTable` or `DigitTable`; the width is that of the hidden states.
        size: That width.
        events: Embeds what is read of an event.
        encoder: Reads the sequence (an `Encoder`).
        n_asked: The next event is asked for by its type, of so many; 0 asks for an event of any type.
    """

    items: nn.Module

    def __init__(
        self, items: nn.Module, size: int, events: EventEmbedding, encoder: nn.Module, n_asked: int = 0
    ) -> None:
        super().__init__()
        self.items = items
        self.events = events
        self.encoder = encoder
        self.repeats: RepeatBonus | None = None
        self.asked = nn.Embedding(n_asked, size) if n_asked else None
        if self.asked is not None:
            nn.init.normal_(self.asked.weight, std=STD)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.items.parameters()).device

    def forward(self, sequences: Sequences) -> Tensor:
        """Hidden state after each event, float [n, size]."""
        return cast(Tensor, self.encoder(self.events(self.items, sequences), sequences))

    def query(self, hidden: Tensor, asked: Tensor | None) -> Tensor:
        """What tells the next item.

        Args:
            hidden: Float [m, size]; states of some events.
            asked: int64 [m]; code of the event type that is asked for; ignored where the network does not tell them.

        Returns:
            Float [m, width].
        """
        return hidden if self.asked is None or asked is None else hidden + self.asked(asked)

    def last(self, sequences: Sequences, asked: Tensor | None = None) -> Tensor:
        """What tells the next item after the last event of each sequence.

        Args:
            sequences: b sequences.
            asked: int64 [b]; as in `query`.

        Returns:
            Float [b, width].
        """
        if not isinstance(self.encoder, LastEncoder):
            return self.query(self(sequences)[sequences.ends], asked)
        return self.query(self.encoder.last(self.events(self.items, sequences), sequences), asked)


class SequenceNetwork(SequenceReader):
    """Its states are compared with the rows of `items` by inner product.

    Args:
        items: Embeddings of the items; their width is that of the hidden states.
        events: Embeds what is read of an event.
        encoder: Reads the sequence (an `Encoder`).
        max_length: Longest sequence.
        repeats: Learn a bonus for items of the history (`RepeatBonus`).
        n_asked: The next event is asked for by its type, of so many; 0 asks for an event of any type.
    """

    items: ItemTable

    def __init__(
        self,
        items: ItemTable,
        events: EventEmbedding,
        encoder: nn.Module,
        max_length: int,
        repeats: bool = False,
        n_asked: int = 0,
    ) -> None:
        super().__init__(items, items.embedding.embedding_dim, events, encoder, n_asked)
        self.repeats = items.repeat_bonus(max_length) if repeats else None

    def query(self, hidden: Tensor, asked: Tensor | None) -> Tensor:
        """What is compared with the rows of items; see `SequenceReader.query`."""
        return self.items.beside(super().query(hidden, asked))

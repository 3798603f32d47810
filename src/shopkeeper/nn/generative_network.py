"""A sequence network that does not compare with items but tells the digits of the next one."""

from __future__ import annotations

from torch import nn

from shopkeeper.nn.event_embedding import EventEmbedding
from shopkeeper.nn.semantic_digits import DigitTable, SemanticDecoder
from shopkeeper.nn.sequence_network import SequenceReader


class GenerativeNetwork(SequenceReader):
    """Reads items by their digits, and has a decoder for those of the next item.

    Args:
        items: Embeddings of the items.
        events: Embeds what is read of an event.
        encoder: Reads the sequence (an `Encoder`).
        dropout: Share dropped inside the decoder, in training.
        n_asked: The next event is asked for by its type, of so many; 0 asks for an event of any type.
    """

    items: DigitTable

    def __init__(
        self, items: DigitTable, events: EventEmbedding, encoder: nn.Module, dropout: float = 0.0, n_asked: int = 0
    ) -> None:
        size = items.embedding.embedding_dim
        super().__init__(items, size, events, encoder, n_asked)
        self.decoder = SemanticDecoder(items.sizes, size, dropout)

"""GRU4Rec: a gated recurrent unit reads the events of a shopper one after the other.

Hidasi, Karatzoglou, Baltrunas and Tikk, "Session-based recommendations with recurrent neural networks", ICLR 2016. What
differs from the paper is what all sequence models here have in common: one embedding for reading and for comparing, a
softmax over the whole catalog, whole histories in place of parallel steps; and the state is added to the event it read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from shopkeeper.recommenders.sequence import SequenceRecommender
from shopkeeper.recommenders.sequence_settings import SequenceConfig, Share
from shopkeeper.search_space import Choice, Floats, Integers, SearchSpace

if TYPE_CHECKING:
    from torch import nn


class GRU4RecConfig(SequenceConfig):
    """Settings of `GRU4Rec`."""

    cell_size: Annotated[int, Field(ge=1)] = 128
    """Width of the recurrent state."""
    n_layers: Annotated[int, Field(ge=1)] = 1
    """Recurrent layers."""
    dropout: Share = 0.3
    """Share dropped of the output of each layer, in training."""

    search: ClassVar[SearchSpace] = {
        "cell_size": Choice((64, 128, 256)),
        "n_layers": Integers(1, 2),
        "dropout": Floats(0.0, 0.6),
    }


class GRU4Rec(SequenceRecommender):
    """Gated recurrent units over item embeddings."""

    Config = GRU4RecConfig
    config: GRU4RecConfig
    learns = "order"

    def _encoder(self) -> nn.Module:
        from shopkeeper.nn.recurrent import RecurrentEncoder

        config = self.config
        return RecurrentEncoder(config.embedding_size, "gru", config.cell_size, config.n_layers, config.dropout)

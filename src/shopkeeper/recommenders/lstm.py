"""LSTM: long short-term memory reads the events of a shopper one after the other.

Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 1997. All but the cell is as in `GRU4Rec`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopkeeper.recommenders.gru4rec import GRU4RecConfig
from shopkeeper.recommenders.sequence import SequenceRecommender

if TYPE_CHECKING:
    from torch import nn


class LSTMConfig(GRU4RecConfig):
    """Settings of `LSTM`."""


class LSTM(SequenceRecommender):
    """Long short-term memory over item embeddings."""

    Config = LSTMConfig
    config: LSTMConfig
    learns = "order"

    def _encoder(self) -> nn.Module:
        from shopkeeper.nn.recurrent import RecurrentEncoder

        config = self.config
        return RecurrentEncoder(config.embedding_size, "lstm", config.cell_size, config.n_layers, config.dropout)

"""LinRec: a transformer with linear attention, for long histories.

Liu et al., "LinRec: linear attention mechanism for long-term sequential recommender systems", SIGIR 2023; the
network is in `nn/linear_attention.py`. It is faster than `SASRec` where histories of several hundred events are read at
once, and slower below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopkeeper.recommenders.sasrec import SASRecConfig
from shopkeeper.recommenders.sequence import SequenceRecommender

if TYPE_CHECKING:
    from torch import nn


class LinRecConfig(SASRecConfig):
    """Settings of `LinRec`."""


class LinRec(SequenceRecommender):
    """Linear attention over item embeddings."""

    Config = LinRecConfig
    config: LinRecConfig
    learns = "order"

    def _encoder(self) -> nn.Module:
        from shopkeeper.nn.linear_attention import LinearTransformer

        config = self.config
        return LinearTransformer(
            config.embedding_size, config.n_layers, config.n_heads, config.max_length, config.dropout
        )

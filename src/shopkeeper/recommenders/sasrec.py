"""SASRec: self-attention over the events of a shopper, trained to tell the next one.

Kang and McAuley, "Self-attentive sequential recommendation", ICDM 2018. What differs from the paper was found to
matter more than the architecture: a softmax over the whole catalog in place of one sampled negative, relative
positions, a layer norm on the item embedding with post-norm blocks, batches of equal numbers of targets and a rate that
decays to zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from shopkeeper.recommenders.sequence import SequenceRecommender
from shopkeeper.recommenders.sequence_settings import SequenceConfig, Share
from shopkeeper.search_space import Floats, Integers, SearchSpace

if TYPE_CHECKING:
    from torch import nn


class SASRecConfig(SequenceConfig):
    """Settings of `SASRec`."""

    n_layers: Annotated[int, Field(ge=1)] = 2
    """Transformer blocks."""
    n_heads: Annotated[int, Field(ge=1)] = 2
    """Attention heads of a block; divides `embedding_size`."""
    dropout: Share = 0.3
    """Share dropped inside the blocks, in training."""

    search: ClassVar[SearchSpace] = {"n_layers": Integers(1, 3), "dropout": Floats(0.0, 0.6)}

    @model_validator(mode="after")
    def _heads_divide_size(self) -> Self:
        if self.embedding_size % self.n_heads:
            raise ValueError("n_heads must divide embedding_size")
        return self


class SASRec(SequenceRecommender):
    """A causal transformer over item embeddings."""

    Config = SASRecConfig
    config: SASRecConfig
    learns = "order"

    def _encoder(self) -> nn.Module:
        from shopkeeper.nn.attention import Transformer

        config = self.config
        return Transformer(config.embedding_size, config.n_layers, config.n_heads, config.max_length, config.dropout)

"""SASRec: self-attention over the events of a shopper, trained to tell the next one.

Kang and McAuley, "Self-attentive sequential recommendation", ICDM 2018. What differs from the paper was found to
matter more than the architecture: a softmax over the whole catalog in place of one sampled negative, relative
positions, a layer norm on the item embedding with post-norm blocks, batches of equal numbers of targets and a rate that
decays to zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from shopkeeper.recommenders.sequence import SequenceConfig, SequenceRecommender

if TYPE_CHECKING:
    from torch import nn


class SASRecConfig(SequenceConfig):
    """Settings of `SASRec`."""

    n_layers: Annotated[int, Field(ge=1)] = 2
    """Transformer blocks."""
    n_heads: Annotated[int, Field(ge=1)] = 2
    """Attention heads of a block; divides `embedding_size`."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """Share dropped inside the blocks, in training."""
    embedding_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.4
    """Share dropped of the embedded items, in training."""

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

    def _build(self) -> nn.Module:
        from shopkeeper.nn.sasrec import SASRecNetwork

        return SASRecNetwork(
            items=self._item_table(),
            n_layers=self.config.n_layers,
            n_heads=self.config.n_heads,
            max_length=self.config.max_length,
            dropout=self.config.dropout,
            embedding_dropout=self.config.embedding_dropout,
            repeats=self.repeats,
        )

"""BSARec: self-attention mixed with a branch that weighs fast changes of taste against slow ones.

Shin et al., "An attentive inductive bias for sequential recommendation beyond the self-attention", AAAI 2024. The
network, and how its filter differs from the paper's, is in `nn/bsarec.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from shopkeeper.recommenders.sequence import SequenceRecommender
from shopkeeper.recommenders.sequence_settings import SequenceConfig, Share
from shopkeeper.search_space import Floats, Integers, SearchSpace

if TYPE_CHECKING:
    from torch import nn


class BSARecConfig(SequenceConfig):
    """Settings of `BSARec`."""

    n_layers: Annotated[int, Field(ge=1)] = 2
    """Blocks."""
    n_heads: Annotated[int, Field(ge=1)] = 2
    """Attention heads of a block; divides `embedding_size`."""
    n_scales: Annotated[int, Field(ge=1)] = 4
    """Moving averages of a block, each over about twice as many events as the one before; divides `embedding_size`."""
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the frequencies in a block; the rest is that of attention."""
    dropout: Share = 0.3
    """Share dropped inside the blocks, in training."""

    search: ClassVar[SearchSpace] = {
        "n_layers": Integers(1, 3),
        "alpha": Floats(0.1, 0.9),
        "dropout": Floats(0.0, 0.6),
    }

    @model_validator(mode="after")
    def _heads_and_scales_divide_size(self) -> Self:
        for name in ("n_heads", "n_scales"):
            if self.embedding_size % getattr(self, name):
                raise ValueError(f"{name} must divide embedding_size")
        return self


class BSARec(SequenceRecommender):
    """A causal transformer over item embeddings with a frequency branch in each block."""

    Config = BSARecConfig
    config: BSARecConfig
    learns = "order"

    def _encoder(self) -> nn.Module:
        from shopkeeper.nn.bsarec import BSARecEncoder

        config = self.config
        return BSARecEncoder(
            config.embedding_size,
            config.n_layers,
            config.n_heads,
            config.max_length,
            config.n_scales,
            config.alpha,
            config.dropout,
        )

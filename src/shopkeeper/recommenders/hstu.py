"""HSTU: gated pointwise attention with biases by distance and by time, trained to tell the next event.

Zhai et al., "Actions speak louder than words: trillion-parameter sequential transducers for generative
recommendations", ICML 2024. The network is in `nn/hstu.py`. The paper's other choices are settings: `temperature`
compares by cosine, `loss="sampled_softmax"` with a sample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from shopkeeper.recommenders.sequence import SequenceRecommender
from shopkeeper.recommenders.sequence_settings import SequenceConfig, Share
from shopkeeper.search_space import Choice, Floats, Integers, SearchSpace

if TYPE_CHECKING:
    from torch import nn


class HSTUConfig(SequenceConfig):
    """Settings of `HSTU`."""

    n_layers: Annotated[int, Field(ge=1)] = 2
    """Layers of attention."""
    n_heads: Annotated[int, Field(ge=1)] = 2
    """Heads of a layer; divides `embedding_size`."""
    dropout: Share = 0.3
    """Share dropped inside the layers, in training."""
    time_bias: bool = True
    """Attention knows the time between events, not only their distance."""

    search: ClassVar[SearchSpace] = {
        "n_layers": Integers(1, 4),
        "dropout": Floats(0.0, 0.6),
        "time_bias": Choice((True, False)),
    }

    @model_validator(mode="after")
    def _heads_divide_size(self) -> Self:
        if self.embedding_size % self.n_heads:
            raise ValueError("n_heads must divide embedding_size")
        return self


class HSTU(SequenceRecommender):
    """A causal transducer over item embeddings that minds the time between events."""

    Config = HSTUConfig
    config: HSTUConfig
    learns = "order"

    def _encoder(self) -> nn.Module:
        from shopkeeper.nn.hstu import HSTUEncoder

        config = self.config
        return HSTUEncoder(
            config.embedding_size, config.n_layers, config.n_heads, config.max_length, config.dropout, config.time_bias
        )

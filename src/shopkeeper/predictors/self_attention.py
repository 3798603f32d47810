"""Self-attention over the sequence: each event looks at those before it, and the last state meets the item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from shopkeeper.predictors.network import NetworkConfig, NetworkPredictor, Widths

if TYPE_CHECKING:
    from shopkeeper.nn.behavior.network import Body


class SelfAttentionConfig(NetworkConfig):
    """Settings of `SelfAttention`; `embedding_size` must be a multiple of `n_heads`."""

    n_layers: Annotated[int, Field(ge=1)] = 1
    """Blocks of attention."""
    n_heads: Annotated[int, Field(ge=1)] = 2
    """Heads of each."""

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.embedding_size % self.n_heads:
            raise ValueError(f"embedding_size {self.embedding_size} is no multiple of n_heads {self.n_heads}")
        return self


class SelfAttention(NetworkPredictor):
    """A transformer over the sequence (Vaswani et al. 2017), then a perceptron."""

    Config = SelfAttentionConfig
    config: SelfAttentionConfig

    def _body(self, widths: Widths) -> Body:
        from shopkeeper.nn.attention import Transformer
        from shopkeeper.nn.behavior.layers import Perceptron
        from shopkeeper.nn.behavior.sequence_bodies import EncodedBody

        config = self.config
        size = config.hidden_size
        encoder = Transformer(widths.size, config.n_layers, config.n_heads, config.max_length + 1, config.dropout)
        return EncodedBody(encoder, Perceptron(widths.beside(3), (size, size // 2), widths.heads, config.dropout))

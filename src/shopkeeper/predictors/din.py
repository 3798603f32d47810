"""Deep interest network (Zhou et al., KDD 2018): each event of the past counts by what it has to do with the item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from shopkeeper.predictors.network import NetworkConfig, NetworkPredictor, Widths

if TYPE_CHECKING:
    from shopkeeper.nn.behavior.network import Body


class DINConfig(NetworkConfig):
    """Settings of `DIN`."""

    attention_size: Annotated[int, Field(ge=1)] = 32
    """Width of the hidden layer that weighs events."""


class DIN(NetworkPredictor):
    """Deep interest network."""

    Config = DINConfig
    config: DINConfig

    def _body(self, widths: Widths) -> Body:
        from shopkeeper.nn.behavior.layers import Perceptron
        from shopkeeper.nn.behavior.target_attention import InterestBody, TargetAttention

        config = self.config
        size = config.hidden_size
        perceptron = Perceptron(widths.beside(3), (size, size // 2), widths.heads, config.dropout, dice=True)
        return InterestBody(TargetAttention(widths.size, config.attention_size), perceptron)

"""DCN V2 (Wang et al., WWW 2021): layers that multiply the input with itself, beside a perceptron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from shopkeeper.predictors.network import NetworkConfig, NetworkPredictor, Widths

if TYPE_CHECKING:
    from shopkeeper.nn.behavior.network import Body


class DCNv2Config(NetworkConfig):
    """Settings of `DCNv2`."""

    n_layers: Annotated[int, Field(ge=1)] = 2
    """Cross layers; each raises the degree of the products by one."""
    rank: Annotated[int, Field(ge=1)] = 32
    """Rank of their matrices."""


class DCNv2(NetworkPredictor):
    """Deep and cross network, version 2, with matrices of low rank."""

    Config = DCNv2Config
    config: DCNv2Config

    def _body(self, widths: Widths) -> Body:
        from shopkeeper.nn.behavior.interaction import CrossBody
        from shopkeeper.nn.behavior.layers import Perceptron

        config = self.config
        width, deep = widths.beside(1), config.hidden_size // 2
        perceptron = Perceptron(width, (config.hidden_size,), deep, config.dropout)
        return CrossBody(width, config.n_layers, config.rank, perceptron, deep, widths.heads)

"""Deep interest evolution network (Zhou et al., AAAI 2019): how the interest in what is asked about went on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from shopkeeper.predictors.network import NetworkConfig, NetworkPredictor, Widths

if TYPE_CHECKING:
    from shopkeeper.nn.behavior.network import Body


class DIENConfig(NetworkConfig):
    """Settings of `DIEN`."""

    next_event_share: Annotated[float, Field(ge=0)] = 0.1
    """Weight of the further loss that asks each state for the event after it."""


class DIEN(NetworkPredictor):
    """Deep interest evolution network."""

    Config = DIENConfig
    config: DIENConfig

    def _body(self, widths: Widths) -> Body:
        from shopkeeper.nn.behavior.layers import Perceptron
        from shopkeeper.nn.behavior.target_attention import EvolutionBody

        config = self.config
        size = config.hidden_size
        perceptron = Perceptron(widths.beside(3), (size, size // 2), widths.heads, config.dropout, dice=True)
        return EvolutionBody(widths.size, perceptron, config.next_event_share)

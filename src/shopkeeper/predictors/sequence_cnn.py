"""Filters over neighboring events: a convolution in one dimension, of which the strongest answers count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from shopkeeper.predictors.network import NetworkConfig, NetworkPredictor, Widths

if TYPE_CHECKING:
    from shopkeeper.nn.behavior.network import Body


class SequenceCNNConfig(NetworkConfig):
    """Settings of `SequenceCNN`."""

    filter_width: Annotated[int, Field(ge=1)] = 3
    """Events that a filter covers."""


class SequenceCNN(NetworkPredictor):
    """A convolution over the sequence (Kim 2014), then a perceptron."""

    Config = SequenceCNNConfig
    config: SequenceCNNConfig

    def _body(self, widths: Widths) -> Body:
        from shopkeeper.nn.behavior.layers import Perceptron
        from shopkeeper.nn.behavior.sequence_bodies import ConvolutionEncoder, EncodedBody

        size = self.config.hidden_size
        perceptron = Perceptron(widths.beside(3), (size, size // 2), widths.heads, self.config.dropout)
        return EncodedBody(ConvolutionEncoder(widths.size, self.config.filter_width), perceptron)

"""A perceptron over features, ids and the mean of the history: the simplest network, and the cheapest to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopkeeper.predictors.network import NetworkConfig, NetworkPredictor, Widths

if TYPE_CHECKING:
    from shopkeeper.nn.behavior.network import Body


class MLPConfig(NetworkConfig):
    """Settings of `MLP`."""


class MLP(NetworkPredictor):
    """A multilayer perceptron."""

    Config = MLPConfig
    config: MLPConfig

    def _body(self, widths: Widths) -> Body:
        from shopkeeper.nn.behavior.layers import Perceptron
        from shopkeeper.nn.behavior.network import PerceptronBody

        size = self.config.hidden_size
        return PerceptronBody(Perceptron(widths.beside(1), (size, size // 2), widths.heads, self.config.dropout))

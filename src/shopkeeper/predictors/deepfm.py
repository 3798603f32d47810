"""DeepFM (Guo et al., IJCAI 2017): a factorization machine and a perceptron over the same vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopkeeper.predictors.network import NetworkConfig, NetworkPredictor, Widths

if TYPE_CHECKING:
    from shopkeeper.nn.behavior.network import Body


class DeepFMConfig(NetworkConfig):
    """Settings of `DeepFM`."""


class DeepFM(NetworkPredictor):
    """DeepFM."""

    Config = DeepFMConfig
    config: DeepFMConfig

    def _body(self, widths: Widths) -> Body:
        from shopkeeper.nn.behavior.interaction import DeepFMBody
        from shopkeeper.nn.behavior.layers import Perceptron

        size = self.config.hidden_size
        perceptron = Perceptron(widths.beside(1), (size, size // 2), widths.heads, self.config.dropout)
        return DeepFMBody(widths.n_values, widths.n_fields, widths.size, perceptron, widths.heads)

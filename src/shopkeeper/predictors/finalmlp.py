"""FinalMLP (Mao et al., AAAI 2023): two perceptrons with gates on their input, fused by products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from shopkeeper.predictors.network import NetworkConfig, NetworkPredictor, Widths

if TYPE_CHECKING:
    from shopkeeper.nn.behavior.network import Body


class FinalMLPConfig(NetworkConfig):
    """Settings of `FinalMLP`."""

    hidden_size: Annotated[int, Field(ge=4, multiple_of=4)] = 128
    """Width of the two streams."""


class FinalMLP(NetworkPredictor):
    """Two streams of the same input."""

    Config = FinalMLPConfig
    config: FinalMLPConfig

    def _body(self, widths: Widths) -> Body:
        from shopkeeper.nn.behavior.interaction import TwoStreamBody

        config = self.config
        return TwoStreamBody(
            widths.beside(1), widths.n_fields, widths.size, config.hidden_size, config.dropout, widths.heads
        )

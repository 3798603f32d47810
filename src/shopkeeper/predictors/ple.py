"""Progressive layered extraction (Tang et al., RecSys 2020): experts of each behavior beside experts of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from shopkeeper.predictors.multi_task import MultiTaskConfig, MultiTaskPredictor
from shopkeeper.predictors.network import Widths
from shopkeeper.predictors.shared_bottom import attention, towers

if TYPE_CHECKING:
    from shopkeeper.nn.behavior.network import Body


class PLEConfig(MultiTaskConfig):
    """Settings of `PLE`."""

    hidden_size: Annotated[int, Field(ge=2)] = 64
    """Width of what experts say."""
    n_layers: Annotated[int, Field(ge=1)] = 2
    """Layers of experts."""
    n_experts: Annotated[int, Field(ge=1)] = 1
    """Experts of each behavior, and as many of all."""


class PLE(MultiTaskPredictor):
    """Layers of own and common experts."""

    Config = PLEConfig
    config: PLEConfig

    def _body(self, widths: Widths) -> Body:
        from shopkeeper.nn.behavior.multi_task import LayeredExpertsBody

        config = self.config
        return LayeredExpertsBody(
            attention(widths), widths.beside(3), config.hidden_size, config.n_layers, config.n_experts,
            towers(widths, config.hidden_size, config.dropout), config.dropout,
        )  # fmt: skip

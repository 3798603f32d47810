"""Multi-gate mixture of experts (Ma et al., KDD 2018): each behavior listens to the experts by its own gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from shopkeeper.predictors.multi_task import MultiTaskConfig, MultiTaskPredictor
from shopkeeper.predictors.network import Widths
from shopkeeper.predictors.shared_bottom import attention, towers

if TYPE_CHECKING:
    from shopkeeper.nn.behavior.network import Body


class MMoEConfig(MultiTaskConfig):
    """Settings of `MMoE`."""

    n_experts: Annotated[int, Field(ge=1)] = 4
    """Experts of all behaviors."""


class MMoE(MultiTaskPredictor):
    """Experts for all, a gate for each behavior."""

    Config = MMoEConfig
    config: MMoEConfig

    def _body(self, widths: Widths) -> Body:
        from shopkeeper.nn.behavior.multi_task import ExpertsBody

        config = self.config
        size = config.hidden_size
        return ExpertsBody(
            attention(widths), widths.beside(3), size, config.n_experts, towers(widths, size, config.dropout),
            config.dropout,
        )  # fmt: skip

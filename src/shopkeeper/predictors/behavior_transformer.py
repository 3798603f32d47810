"""A transformer over the full sequence of behaviors, with the item at its end and a head for each behavior."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from shopkeeper.predictors.multi_task import MultiTaskConfig, MultiTaskPredictor
from shopkeeper.predictors.network import Widths

if TYPE_CHECKING:
    from shopkeeper.nn.behavior.network import Body


class BehaviorTransformerConfig(MultiTaskConfig):
    """Settings of `BehaviorTransformer`; `embedding_size` must be a multiple of `n_heads`."""

    n_layers: Annotated[int, Field(ge=1)] = 2
    """Blocks of attention."""
    n_heads: Annotated[int, Field(ge=1)] = 2
    """Heads of each."""

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.embedding_size % self.n_heads:
            raise ValueError(f"embedding_size {self.embedding_size} is no multiple of n_heads {self.n_heads}")
        return self


class BehaviorTransformer(MultiTaskPredictor):
    """Multi-task transformer over views, carts and purchases in one sequence."""

    Config = BehaviorTransformerConfig
    config: BehaviorTransformerConfig

    def _body(self, widths: Widths) -> Body:
        from torch import nn

        from shopkeeper.nn.behavior.behavior_transformer import BehaviorTransformerBody
        from shopkeeper.nn.behavior.layers import Perceptron

        config = self.config
        size, width = config.hidden_size, widths.beside(1)
        perceptrons = nn.ModuleList(
            Perceptron(width, (size, size // 2), 1, config.dropout) for _ in range(widths.heads)
        )
        return BehaviorTransformerBody(
            widths.size, config.n_layers, config.n_heads, config.max_length + 1, config.dropout, perceptrons
        )

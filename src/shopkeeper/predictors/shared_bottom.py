"""Shared bottom (Caruana 1997): one perceptron for all behaviors, and a small one for each above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from shopkeeper.predictors.multi_task import MultiTaskConfig, MultiTaskPredictor
from shopkeeper.predictors.network import Widths

if TYPE_CHECKING:
    from torch import nn

    from shopkeeper.nn.behavior.network import Body
    from shopkeeper.nn.behavior.target_attention import TargetAttention


class SharedBottomConfig(MultiTaskConfig):
    """Settings of `SharedBottom`."""


class SharedBottom(MultiTaskPredictor):
    """One bottom, a tower for each behavior."""

    Config: ClassVar[type[MultiTaskConfig]] = SharedBottomConfig
    through: ClassVar[bool] = False

    def _body(self, widths: Widths) -> Body:
        from shopkeeper.nn.behavior.layers import Perceptron
        from shopkeeper.nn.behavior.multi_task import SharedBottomBody

        size = self.config.hidden_size
        bottom = Perceptron(widths.beside(3), (size,), size, self.config.dropout)
        through = self.through and bool(self.behaviors) and self.config.loss != "categorical"
        return SharedBottomBody(attention(widths), bottom, towers(widths, size, self.config.dropout), through)


def attention(widths: Widths) -> TargetAttention:
    """What weighs the events of networks of several behaviors."""
    from shopkeeper.nn.behavior.target_attention import TargetAttention

    return TargetAttention(widths.size, widths.size)


def towers(widths: Widths, n_in: int, dropout: float) -> nn.ModuleList:
    """A small perceptron for each head."""
    from torch import nn

    from shopkeeper.nn.behavior.layers import Perceptron

    return nn.ModuleList(Perceptron(n_in, (n_in // 2,), 1, dropout) for _ in range(widths.heads))

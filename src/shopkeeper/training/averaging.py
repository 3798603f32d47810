"""Weights averaged over the steps of a run, which generalize better than those of any one step.

An exponential moving average (Polyak and Juditsky 1992; Izmailov et al. 2018 for networks): validation and the finished
model take the average, and the optimizer goes on from the weights themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class AveragedWeights:
    """The moving average of a network's parameters.

    Args:
        network: Its parameters are averaged; buffers are not.
        decay: Share of the average that each step keeps. The first steps keep less, so that the fresh weights are soon
            forgotten: step t keeps at most (1 + t) / (10 + t).
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self._parameters = dict(network.named_parameters())
        self.weights: dict[str, Tensor] = {name: value.detach().clone() for name, value in self._parameters.items()}
        """The average by name of the parameter."""

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Takes the parameters in after a step of the optimizer (counted from 0 over the whole run)."""
        keep = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.weights.values()), [*self._parameters.values()], 1 - keep)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within it the network has the averaged weights."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, parameter in self._parameters.items():
            own = parameter.detach().clone()
            parameter.copy_(self.weights[name])
            self.weights[name] = own

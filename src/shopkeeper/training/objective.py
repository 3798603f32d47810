"""What the loop asks of a learning problem: plan the batches of an epoch, count their targets, compute their loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from torch import Tensor, nn

BatchT = TypeVar("BatchT")


class Objective(Protocol[BatchT]):
    """A learning problem.

    The plan of an epoch is a list of small things (indices, say) from which `loss` makes the tensors; it depends on
    the epoch alone, so that every process and every resumed run makes the same.
    """

    def plan(self, epoch: int) -> Sequence[BatchT]:
        """The batches of an epoch (counted from 0), in order."""

    def n_targets(self, batch: BatchT) -> int:
        """Number of targets that the loss of a batch sums over."""

    def loss(self, network: nn.Module, batch: BatchT) -> Tensor:
        """The summed loss of a batch, a scalar on the device of the network's parameters."""

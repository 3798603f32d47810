"""One step of the optimizer, on one process or on several: seeds, loss, gradients, clipping, rate.

Device, mixed precision and the reduction of gradients over processes are Hugging Face Accelerate's. The loss of a step
is the sum over all targets of all processes divided by their number, however unequal the shares of the processes are.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Generic

import numpy as np
import torch
from torch import Tensor, nn

from shopkeeper.errors import DataError
from shopkeeper.training.objective import BatchT, Objective
from shopkeeper.training.optimizers import build_optimizers, clip_gradients
from shopkeeper.training.schedule import rate_share
from shopkeeper.training.settings import TrainingSettings


class _WithLoss(nn.Module):
    """Network and loss as one module: all that must run inside the wrapper that reduces gradients."""

    def __init__(self, network: nn.Module, objective: Objective[Any]) -> None:
        super().__init__()
        self.network = network
        self.objective = objective

    def forward(self, batch: Any) -> Tensor:
        return self.objective.loss(self.network, batch)


class Stepper(Generic[BatchT]):
    """Takes the steps of a run.

    Args:
        network: Is moved to the accelerator's device.
        objective: Batches and their loss.
        settings: Optimizer, schedule, clipping, seed.
        accelerator: From `accelerator_for`.
    """

    def __init__(
        self, network: nn.Module, objective: Objective[BatchT], settings: TrainingSettings, accelerator: Any
    ) -> None:
        self._network = network.to(accelerator.device)
        self._objective = objective
        self._settings = settings
        self._accelerator = accelerator
        self.optimizers = build_optimizers(network, settings.optimizer)
        self._model, *self._prepared = accelerator.prepare(_WithLoss(network, objective), *self.optimizers)
        self._waiting = torch.zeros((), device=accelerator.device)

    def plan(self, epoch: int) -> list[Sequence[BatchT]]:
        """The batches of each step of an epoch, for all processes: one each, or all of them for "gd".

        Raises:
            DataError: There is no batch.
        """
        batches = self._objective.plan(epoch)
        if not batches:
            raise DataError(
                "there is nothing to train on: no shopper has two events",
                remedy="use a model without training, or look at the report of `shopkeeper validate`",
            )
        size = len(batches) if self._settings.optimizer.name == "gd" else self._accelerator.num_processes
        return [batches[start : start + size] for start in range(0, len(batches), size)]

    def n_targets(self, batches: Sequence[BatchT]) -> int:
        """Targets of a step, of all processes together."""
        return sum(map(self._objective.n_targets, batches))

    def take(self, batches: Sequence[BatchT], epoch: int, step: int) -> None:
        """Moves the weights by one step.

        Args:
            batches: One element of `plan(epoch)`.
            epoch: From 0; with `step` it decides the random numbers.
            step: Place of the element in the plan.
        """
        n_targets = max(1, self.n_targets(batches))
        processes, place = self._accelerator.num_processes, self._accelerator.process_index
        rounds = range(0, len(batches), processes)
        for start in rounds:
            own = start + place < len(batches)
            batch = batches[start + place] if own else batches[start]  # a process without a batch takes part with 0
            seed_everything(self._settings.seed, epoch, step, start + place)
            # The reduction takes the mean over processes; `processes` makes it the sum.
            self._backward(batch, processes / n_targets if own else 0.0, reduce=start == rounds[-1])
        if self._settings.clip_norm is not None:
            self._accelerator.unscale_gradients()
            clip_gradients(self._network.parameters(), self._settings.clip_norm)
        for optimizer in self._prepared:
            optimizer.step()
            optimizer.zero_grad()

    def set_rate(self, step: int, total: int) -> float:
        """Sets the learning rate of step `step` of `total` in the whole run, and returns it."""
        rate = self._settings.optimizer.learning_rate * rate_share(self._settings.schedule, step, total)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        return rate

    def collect(self) -> float:
        """The summed loss, over all processes, of the steps since the last call; waits for the device."""
        loss = float(self._accelerator.reduce(self._waiting.clone(), "sum"))
        self._waiting.zero_()
        return loss

    def _backward(self, batch: BatchT, share: float, reduce: bool) -> None:
        with nullcontext() if reduce else self._accelerator.no_sync(self._model):
            with self._accelerator.autocast():
                loss = self._model(batch)
            self._accelerator.backward(loss * share)
        if share:
            self._waiting += loss.detach()


def seed_everything(*key: int) -> None:
    """Seeds torch's generators with a number made of all parts of the key."""
    torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1)))

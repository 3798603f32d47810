"""A few real steps of a training, to tell how long all of them will take and what a batch keeps in memory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from shopkeeper.errors import DataError
from shopkeeper.training.device import accelerator_for
from shopkeeper.training.objective import Objective
from shopkeeper.training.optimizers import build_optimizers
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.training.steps import seed_everything

WARM_UP = 2
"""Steps that are not timed: the first ones set things up."""
MOST_STEPS = 30
SECONDS = 1.0
"""After so long, and at least one timed step, the rehearsal ends."""


@dataclass(frozen=True)
class Rehearsal:
    """What the steps showed.

    Attributes:
        seconds_an_epoch: Wall time of all batches of an epoch, on one process.
        bytes_a_target: What the forward pass keeps for the backward pass, for each target of a batch.
    """

    seconds_an_epoch: float
    bytes_a_target: float


def rehearse(network: nn.Module, objective: Objective[Any], settings: TrainingSettings) -> Rehearsal:
    """Takes some steps, spread over the first epoch, with the network and the optimizer of the settings.

    Args:
        network: Is changed by the steps.
        objective: Batches and their loss.
        settings: Of the training.

    Raises:
        DataError: The objective has no batch.
    """
    device = accelerator_for(settings).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        seed_everything(settings.seed)
        network.to(device).train()
        plan = objective.plan(0)
        if not plan:
            raise DataError("there is nothing to train on: no shopper has two events")
        chosen = [plan[place] for place in _spread(len(plan))]
        seconds, targets = _timed_steps(network, objective, settings, chosen)
        kept = max(_kept_bytes(network, objective, batch) / objective.n_targets(batch) for batch in chosen[:WARM_UP])
    return Rehearsal(seconds / targets * sum(map(objective.n_targets, plan)), kept)


def _spread(n: int) -> list[int]:
    """Places of some of n batches, in an order in which the first few are spread too."""
    places = np.unique(np.linspace(0, n - 1, MOST_STEPS + WARM_UP).round().astype(int))
    order: list[int] = np.random.default_rng(0).permutation(places).tolist()
    return order


def _timed_steps(
    network: nn.Module, objective: Objective[Any], settings: TrainingSettings, batches: Sequence[Any]
) -> tuple[float, int]:
    """Seconds and targets of the steps after the first few."""
    optimizers = build_optimizers(network, settings.optimizer)
    first = min(WARM_UP, len(batches) - 1)
    begun, seconds, targets = time.perf_counter(), 0.0, 0
    for step, batch in enumerate(batches):
        if step == first:
            begun = time.perf_counter()
        loss = objective.loss(network, batch)
        (loss / objective.n_targets(batch)).backward()  # type: ignore[no-untyped-call]
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if loss.device.type == "cuda":
            torch.cuda.synchronize(loss.device)
        if step >= first:
            seconds, targets = time.perf_counter() - begun, targets + objective.n_targets(batch)
            if seconds > SECONDS:
                break
    return seconds, targets


def _kept_bytes(network: nn.Module, objective: Objective[Any], batch: Any) -> float:
    """Bytes that the forward pass of one batch keeps, weights not counted."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    kept: dict[int, int] = {}

    def keep(value: Tensor) -> Tensor:
        storage = value.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return value

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        objective.loss(network, batch)
    return float(sum(kept.values()))

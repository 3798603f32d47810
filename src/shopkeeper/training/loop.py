"""The training loop: any network, any objective, one process or several under `torchrun`.

Device, mixed precision and the reduction of gradients are Hugging Face Accelerate's; the rest is here. All random
numbers of a step derive from the seed, the epoch, the step and the process, so that a run which was killed and resumed
ends with exactly the weights of one that was not, and the caller's own random numbers are left as they were.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, cast

import numpy as np
import torch
from torch import Tensor, nn

from shopkeeper.errors import DataError, TrainingError
from shopkeeper.training.checkpoints import Weights, load_checkpoint, save_checkpoint
from shopkeeper.training.curves import tensorboard_writer, write_csv, write_tensorboard
from shopkeeper.training.device import accelerator_for
from shopkeeper.training.objective import BatchT, Objective
from shopkeeper.training.optimizers import build_optimizers
from shopkeeper.training.progress import Progress
from shopkeeper.training.run_state import EpochRecord, RunState
from shopkeeper.training.schedule import rate_share
from shopkeeper.training.settings import TrainingSettings

REPORT_STEPS = 10
"""Steps between two looks at the loss (each look waits for the device)."""
NOT_IDENTITY = {
    "device", "checkpoint_folder", "checkpoint_every", "checkpoint_steps", "resume", "tensorboard",
}  # fmt: skip
"""Training settings that do not change the weights, and may differ when a run is resumed."""


@dataclass(frozen=True)
class TrainingResult:
    """What came of a run.

    Attributes:
        history: The learning curve, one record an epoch.
        best_epoch: The epoch (from 1) whose weights the network has now.
        best_validation: Its NDCG@10, or None without validation.
        seconds: Wall time of the steps of all epochs.
    """

    history: tuple[EpochRecord, ...]
    best_epoch: int
    best_validation: float | None
    seconds: float


def train_network(
    network: nn.Module,
    objective: Objective[BatchT],
    settings: TrainingSettings,
    validate: Callable[[], float] | None = None,
    progress: Progress | None = None,
    identity: Mapping[str, Any] | None = None,
) -> TrainingResult:
    """Trains a network in place; it ends with its best weights and in evaluation mode.

    Args:
        network: Weights as initialized by the caller.
        objective: Batches and their loss.
        settings: How to train.
        validate: Gives NDCG@10 of the network as it is; None runs all epochs.
        progress: Told of each few steps on the first process: loss, learning rate, seconds left.
        identity: What else makes this run this one (model, its settings, data hash), in plain JSON values.

    Returns:
        The learning curve and the best epoch.

    Raises:
        ConfigError: The settings do not go together or with this machine, or the checkpoint is of another run.
        DataError: The objective has no batch.
        TrainingError: The loss is no longer a number.
        ArtifactError: A checkpoint is damaged or cannot be written.
    """
    accelerator = accelerator_for(settings)
    devices = [accelerator.device] if accelerator.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        run = _Run(network, objective, settings, accelerator, {**(identity or {}), **_identity(settings, accelerator)})
        run.resume()
        run.to_the_end(validate, progress)
    return run.result()


def _identity(settings: TrainingSettings, accelerator: Any) -> dict[str, Any]:
    training = settings.model_dump(mode="json", exclude=NOT_IDENTITY)
    return {**{f"training.{name}": value for name, value in training.items()}, "processes": accelerator.num_processes}


class _WithLoss(nn.Module):
    """Network and loss as one module: all that must run inside the wrapper that reduces gradients."""

    def __init__(self, network: nn.Module, objective: Objective[Any]) -> None:
        super().__init__()
        self.network = network
        self.objective = objective

    def forward(self, batch: Any) -> Tensor:
        return self.objective.loss(self.network, batch)


class _Run(Generic[BatchT]):
    """One run: its network, optimizers and place."""

    def __init__(
        self,
        network: nn.Module,
        objective: Objective[BatchT],
        settings: TrainingSettings,
        accelerator: Any,
        identity: Mapping[str, Any],
    ) -> None:
        self.network = network.to(accelerator.device)
        self.objective = objective
        self.settings = settings
        self.accelerator = accelerator
        self.identity = identity
        self.optimizers = build_optimizers(network, settings.optimizer)
        self.model, *self.prepared = accelerator.prepare(_WithLoss(network, objective), *self.optimizers)
        self.state = RunState()
        self.best: Weights | None = None
        self.waiting = torch.zeros((), device=accelerator.device)
        self.board = tensorboard_writer(settings) if accelerator.is_main_process else None

    def resume(self) -> None:
        """Goes back to the checkpoint, where one is there and wanted."""
        folder = self.settings.checkpoint_folder
        if folder is not None and self.settings.resume:
            found = load_checkpoint(folder, self.identity, self.network, self.optimizers)
            if found is not None:
                self.state, self.best = found

    def to_the_end(self, validate: Callable[[], float] | None, progress: Progress | None) -> None:
        """All epochs that are left; then the best weights."""
        progress = progress if self.accelerator.is_main_process else None
        started = False
        while not self.state.finished:
            steps = self._plan()
            if progress is not None and not started:
                progress.start("training", self.settings.epochs * len(steps))
                progress.advance(self.state.epoch * len(steps) + self.state.step)
                started = True
            self._epoch(steps, progress)
            self._after_epoch(validate, len(steps))
        if progress is not None and started:
            progress.finish()
        if self.best is not None:
            self.network.load_state_dict(self.best)
        self.network.eval()
        self.network.zero_grad(set_to_none=True)

    def result(self) -> TrainingResult:
        """What came of it."""
        state = self.state
        return TrainingResult(
            history=tuple(state.history),
            best_epoch=state.best_epoch or state.epoch,
            best_validation=state.best,
            seconds=sum(record.seconds for record in state.history),
        )

    def _plan(self) -> list[Sequence[BatchT]]:
        """The batches of each step of the epoch, for all processes: one each, or all of them for "gd"."""
        batches = self.objective.plan(self.state.epoch)
        if not batches:
            raise DataError(
                "there is nothing to train on: no shopper has two events",
                remedy="use a model without training, or look at the report of `shopkeeper validate`",
            )
        size = len(batches) if self.settings.optimizer.name == "gd" else self.accelerator.num_processes
        return [batches[start : start + size] for start in range(0, len(batches), size)]

    def _epoch(self, steps: list[Sequence[BatchT]], progress: Progress | None) -> None:
        self.network.train()
        before, begun = self.state.seconds, time.perf_counter()
        total = self.settings.epochs * len(steps)
        reported = self.state.step
        while self.state.step < len(steps):
            step = self.state.step
            rate = self._set_rate(self.state.epoch * len(steps) + step, total)
            self._step(steps[step])
            self.state.step += 1
            self.state.n_targets += sum(map(self.objective.n_targets, steps[step]))
            self.state.seconds = before + time.perf_counter() - begun
            if self.state.step % REPORT_STEPS == 0 or self.state.step == len(steps):
                self._collect()
                if progress is not None:
                    progress.advance(self.state.step - reported, self._facts(rate, len(steps)))
                reported = self.state.step
            every = self.settings.checkpoint_steps
            if every is not None and self.state.step % every == 0 and self.state.step < len(steps):
                self._collect()
                self._save()

    def _step(self, batches: Sequence[BatchT]) -> None:
        """One step of the optimizer: the sum of losses over all processes divided by the number of all targets."""
        n_targets = sum(map(self.objective.n_targets, batches))
        processes, place = self.accelerator.num_processes, self.accelerator.process_index
        rounds = range(0, len(batches), processes)
        for start in rounds:
            own = start + place < len(batches)
            batch = batches[start + place] if own else batches[start]  # a process without a batch takes part with 0
            self._seed(start + place)
            # The wrapper takes the mean over processes; `processes` makes it a sum.
            share = processes / max(1, n_targets) if own else 0.0
            if start != rounds[-1]:
                with self.accelerator.no_sync(self.model):
                    self._backward(batch, share)
            else:
                self._backward(batch, share)
        if self.settings.clip_norm is not None:
            self.accelerator.clip_grad_norm_(self.network.parameters(), self.settings.clip_norm)
        for optimizer in self.prepared:
            optimizer.step()
            optimizer.zero_grad()

    def _backward(self, batch: BatchT, share: float) -> None:
        with self.accelerator.autocast():
            loss = self.model(batch)
        self.accelerator.backward(loss * share)
        if share:
            self.waiting += loss.detach()

    def _seed(self, part: int) -> None:
        """Random numbers of one batch, on whichever process it runs."""
        key = [self.settings.seed, self.state.epoch, self.state.step, part]
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1)))

    def _set_rate(self, step: int, total: int) -> float:
        rate = self.settings.optimizer.learning_rate * rate_share(self.settings.schedule, step, total)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        return rate

    def _collect(self) -> None:
        """Adds the losses of all processes since the last look, and stops where they are no numbers."""
        loss = float(self.accelerator.reduce(self.waiting.clone(), "sum"))
        self.waiting.zero_()
        self.state.loss_sum += loss
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss} in epoch {self.state.epoch + 1}, at step {self.state.step}: training has diverged",
                remedy="lower optimizer.learning_rate, add schedule.warmup_share, or set clip_norm",
            )

    def _facts(self, rate: float, steps: int) -> dict[str, float]:
        state = self.state
        seconds = state.seconds + sum(record.seconds for record in state.history)
        done = state.epoch * steps + state.step
        left = seconds / done * (self.settings.epochs * steps - done)
        return {"loss": state.loss_sum / max(1, state.n_targets), "learning_rate": rate, "seconds_left": left}

    def _after_epoch(self, validate: Callable[[], float] | None, steps: int) -> None:
        state, settings = self.state, self.settings
        last = state.epoch + 1 >= settings.epochs
        score = None
        if validate is not None and (last or (state.epoch + 1) % settings.validate_every == 0):
            score = self._validate(validate)
        rate = settings.optimizer.learning_rate * rate_share(
            settings.schedule, (state.epoch + 1) * steps - 1, settings.epochs * steps
        )
        record = state.close_epoch(rate, score)
        if score is not None and (state.best is None or score > state.best):
            state.best, state.best_epoch = score, state.epoch
            self.best = {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}
        state.finished = last or self._patience_is_over()
        self._write(record)

    def _validate(self, validate: Callable[[], float]) -> float:
        """The first process validates and tells the others."""
        from accelerate.utils import broadcast_object_list

        self.network.eval()
        with torch.no_grad():
            score = [float(validate()) if self.accelerator.is_main_process else 0.0]
        return cast(float, broadcast_object_list(score)[0])

    def _patience_is_over(self) -> bool:
        if self.settings.patience is None or self.state.best is None:
            return False
        validated = [record for record in self.state.history if record.validation is not None]
        since = sum(record.epoch > self.state.best_epoch for record in validated)
        return since >= self.settings.patience

    def _write(self, record: EpochRecord) -> None:
        if self.board is not None:
            write_tensorboard(self.board, record)
            if self.state.finished:
                self.board.close()
        folder = self.settings.checkpoint_folder
        if folder is not None and self.accelerator.is_main_process:
            write_csv(folder, self.state.history)
        if self.state.finished or self.state.epoch % self.settings.checkpoint_every == 0:
            self._save()

    def _save(self) -> None:
        folder = self.settings.checkpoint_folder
        if folder is not None and self.accelerator.is_main_process:
            save_checkpoint(folder, self.identity, self.state, self.network, self.optimizers, self.best)
        self.accelerator.wait_for_everyone()

"""The training loop: any network, any objective, one process or several under `torchrun`.

All random numbers of a step derive from the seed, the epoch, the step and the process: a run that was killed and
resumed ends with exactly the weights of one that was not, and the caller's own random numbers are left as they were.
The loop knows nothing of recommenders.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, cast

import torch
from torch import nn

from shopkeeper.errors import TrainingError
from shopkeeper.nn.matmul_precision import FACTORS, resolve
from shopkeeper.progress import Progress
from shopkeeper.training.averaging import AveragedWeights
from shopkeeper.training.checkpoints import Weights, load_checkpoint, save_checkpoint
from shopkeeper.training.curves import tensorboard_writer, write_csv, write_tensorboard
from shopkeeper.training.device import accelerator_for
from shopkeeper.training.objective import BatchT, Objective
from shopkeeper.training.run_state import EpochRecord, RunState
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.training.steps import Stepper

Watch: TypeAlias = Callable[[EpochRecord], bool]
"""Told of each epoch that is done, and says whether to go on."""

REPORT_STEPS = 10
"""Steps between two looks at the loss (each look waits for the device)."""
NOT_IDENTITY = {"device", "checkpoint_folder", "checkpoint_every", "checkpoint_steps", "resume", "tensorboard"}
"""Training settings that do not change the weights, and may differ when a run is resumed."""


@dataclass(frozen=True)
class TrainingResult:
    """What came of a run.

    Attributes:
        history: The learning curve, one record an epoch.
        best_epoch: The epoch (from 1) whose weights the network has now.
        best_validation: Its NDCG@10, or None without validation.
        seconds: Wall time of the steps of all epochs.
        device: Where it was trained.
        matmul_dtype: Type of the factors of the full softmax: float32, or what they were rounded to.
    """

    history: tuple[EpochRecord, ...]
    best_epoch: int
    best_validation: float | None
    seconds: float
    device: str = ""
    matmul_dtype: str = ""


def train_network(
    network: nn.Module,
    objective: Objective[BatchT],
    settings: TrainingSettings,
    validate: Callable[[], float] | None = None,
    progress: Progress | None = None,
    identity: Mapping[str, Any] | None = None,
    watch: Watch | None = None,
) -> TrainingResult:
    """Trains a network in place; it ends with its best weights and in evaluation mode.

    Args:
        network: Weights as initialized by the caller.
        objective: Batches and their loss.
        settings: How to train.
        validate: Gives NDCG@10 of the network as it is; None runs all epochs.
        progress: Told every few steps on the first process: loss, learning rate, seconds left.
        identity: What else makes this run this one (model, its settings, data hash), in plain JSON values.
        watch: Told of each epoch; where it says no, training ends there, with the best weights so far.

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
        stepper = Stepper(network, objective, settings, accelerator)
        run = _Run(network, stepper, settings, accelerator, {**(identity or {}), **_identity(settings, accelerator)})
        run.resume()
        try:
            run.to_the_end(validate, progress if accelerator.is_main_process else None, watch)
        finally:
            run.close()
    return run.result()


def _identity(settings: TrainingSettings, accelerator: Any) -> dict[str, Any]:
    training = settings.model_dump(mode="json", exclude=NOT_IDENTITY)
    return {**{f"training.{name}": value for name, value in training.items()}, "processes": accelerator.num_processes}


class _Run(Generic[BatchT]):
    """One run: its network, its stepper and where it stands."""

    def __init__(
        self,
        network: nn.Module,
        stepper: Stepper[BatchT],
        settings: TrainingSettings,
        accelerator: Any,
        identity: Mapping[str, Any],
    ) -> None:
        self.network = network
        self.stepper = stepper
        self.settings = settings
        self.accelerator = accelerator
        self.identity = identity
        self.state = RunState()
        self.best: Weights | None = None
        decay = settings.average_decay
        self.average = None if decay is None else AveragedWeights(network, decay)
        self.begun: Progress | None = None
        self.board = tensorboard_writer(settings) if accelerator.is_main_process else None

    def resume(self) -> None:
        """Goes back to the checkpoint, where one is there and wanted."""
        folder = self.settings.checkpoint_folder
        if folder is not None and self.settings.resume:
            found = load_checkpoint(folder, self.identity, self.network, self.stepper.optimizers, self._averages())
            if found is not None:
                self.state, self.best = found

    def to_the_end(self, validate: Callable[[], float] | None, progress: Progress | None, watch: Watch | None) -> None:
        """All epochs that are left; then the best weights."""
        while not self.state.finished:
            plan = self.stepper.plan(self.state.epoch)
            if progress is not None and self.begun is None:
                self.begun = progress
                progress.start("training", self.settings.epochs * len(plan))
                progress.advance(self.state.epoch * len(plan) + self.state.step)
            rate = self._epoch(plan)
            self._after_epoch(rate, validate, watch)
        if self.best is None:
            self.best = self._weights()
        self.network.load_state_dict(self.best)
        self.network.eval()
        self.network.zero_grad(set_to_none=True)

    def close(self) -> None:
        """Ends what was begun, be the run done or broken off."""
        if self.begun is not None:
            self.begun.finish()
        if self.board is not None:
            self.board.close()

    def result(self) -> TrainingResult:
        """What came of it."""
        state = self.state
        return TrainingResult(
            history=tuple(state.history),
            best_epoch=state.best_epoch or state.epoch,
            best_validation=state.best,
            seconds=sum(record.seconds for record in state.history),
            device=self.accelerator.device.type,
            matmul_dtype=FACTORS[resolve(self.settings.matmul_precision, self.accelerator.device)],
        )

    def _epoch(self, plan: list[Sequence[BatchT]]) -> float:
        """The steps of an epoch that are left; returns the learning rate of the last."""
        self.network.train()
        state, reported, rate = self.state, self.state.step, 0.0
        before, begun = state.seconds, time.perf_counter()
        while state.step < len(plan):
            batches = plan[state.step]
            rate = self.stepper.set_rate(state.epoch * len(plan) + state.step, self.settings.epochs * len(plan))
            self.stepper.take(batches, state.epoch, state.step)
            if self.average is not None:
                self.average.update(state.epoch * len(plan) + state.step)
            state.step += 1
            state.n_targets += self.stepper.n_targets(batches)
            state.seconds = before + time.perf_counter() - begun
            due = self._checkpoint_is_due(len(plan))
            if due or state.step % REPORT_STEPS == 0 or state.step == len(plan):
                self._report(state.step - reported, rate, len(plan))
                reported = state.step
            if due:
                self._save()
        return rate

    def _report(self, steps: int, rate: float, steps_an_epoch: int) -> None:
        """Looks at the loss of the last steps, stops where it is no number, and tells the progress."""
        state = self.state
        loss = self.stepper.collect()
        state.loss_sum += loss
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss} in epoch {state.epoch + 1}, at step {state.step}: training has diverged",
                remedy="lower optimizer.learning_rate, add schedule.warmup_share, or set clip_norm",
            )
        if self.begun is not None:
            seconds = state.seconds + sum(record.seconds for record in state.history)
            done = state.epoch * steps_an_epoch + state.step
            left = seconds / done * (self.settings.epochs * steps_an_epoch - done)
            mean = state.loss_sum / max(1, state.n_targets)
            self.begun.advance(steps, {"loss": mean, "learning_rate": rate, "seconds_left": left})

    def _after_epoch(self, rate: float, validate: Callable[[], float] | None, watch: Watch | None) -> None:
        state, settings = self.state, self.settings
        last = state.epoch + 1 >= settings.epochs
        score = None
        if validate is not None and (last or (state.epoch + 1) % settings.validate_every == 0):
            score = self._validate(validate)
        record = state.close_epoch(rate, score)
        if score is not None and (state.best is None or score > state.best):
            state.best, state.best_epoch = score, state.epoch
            self.best = self._weights()
        state.finished = last or state.without_gain() >= (settings.patience or math.inf)
        if watch is not None and not watch(record):
            state.finished = True
        self._write(record)

    def _validate(self, validate: Callable[[], float]) -> float:
        """The first process validates and tells the others."""
        from accelerate.utils import broadcast_object_list

        self.network.eval()
        with torch.no_grad(), self._averaged():
            score = [float(validate()) if self.accelerator.is_main_process else 0.0]
        return cast(float, broadcast_object_list(score)[0])

    def _write(self, record: EpochRecord) -> None:
        """Learning curve and checkpoint after an epoch."""
        if self.board is not None:
            write_tensorboard(self.board, record)
        if self.settings.checkpoint_folder is not None and self.accelerator.is_main_process:
            write_csv(self.settings.checkpoint_folder, self.state.history)
        if self.state.finished or self.state.epoch % self.settings.checkpoint_every == 0:
            self._save()

    def _checkpoint_is_due(self, steps_an_epoch: int) -> bool:
        every = self.settings.checkpoint_steps
        return every is not None and self.state.step % every == 0 and self.state.step < steps_an_epoch

    def _save(self) -> None:
        folder = self.settings.checkpoint_folder
        if folder is not None and self.accelerator.is_main_process:
            save_checkpoint(
                folder, self.identity, self.state, self.network, self.stepper.optimizers, self.best, self._averages()
            )
        self.accelerator.wait_for_everyone()

    def _averaged(self) -> AbstractContextManager[None]:
        """Within it the network has the weights that are validated and kept."""
        return nullcontext() if self.average is None else self.average.applied()

    def _averages(self) -> Weights | None:
        return None if self.average is None else self.average.weights

    def _weights(self) -> Weights:
        """A copy, on the CPU, of the weights that are validated and kept."""
        with self._averaged():
            return {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}

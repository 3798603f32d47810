"""How far a training run is, as plain numbers that fit in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class EpochRecord:
    """One line of the learning curve.

    Attributes:
        epoch: From 1.
        loss: Mean over the targets of the epoch, in nats.
        learning_rate: At its last step.
        seconds: Wall time of its steps.
        validation: NDCG@10 after it, or None where it was not validated.
    """

    epoch: int
    loss: float
    learning_rate: float
    seconds: float
    validation: float | None = None


@dataclass
class RunState:
    """Where a run stands. Between two steps this, the weights and the optimizer's state say everything.

    Random numbers need no place here: those of a step derive from the seed, the epoch and the step.

    Attributes:
        epoch: The epoch that is going on, from 0.
        step: Steps done in it.
        loss_sum: Their summed loss.
        n_targets: Their targets.
        seconds: Wall time of the steps of this epoch.
        history: The epochs that are done.
        best: Best validation so far, or None.
        best_epoch: The epoch of it, from 1; 0 before the first validation.
        finished: No epoch is left, or early stopping has decided.
    """

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    n_targets: int = 0
    seconds: float = 0.0
    history: list[EpochRecord] = field(default_factory=list)
    best: float | None = None
    best_epoch: int = 0
    finished: bool = False

    def close_epoch(self, learning_rate: float, validation: float | None) -> EpochRecord:
        """Moves the sums of the epoch to the history and goes on to the next epoch."""
        mean = self.loss_sum / max(1, self.n_targets)
        record = EpochRecord(self.epoch + 1, mean, learning_rate, self.seconds, validation)
        self.history.append(record)
        self.epoch, self.step, self.loss_sum, self.n_targets, self.seconds = self.epoch + 1, 0, 0.0, 0, 0.0
        return record

    def without_gain(self) -> int:
        """Number of validations since the best one."""
        return sum(record.validation is not None and record.epoch > self.best_epoch for record in self.history)

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return asdict(self)

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> RunState:
        """What `to_json` gave, back."""
        history = [EpochRecord(**record) for record in values["history"]]
        return RunState(**{**values, "history": history})

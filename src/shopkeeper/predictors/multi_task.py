"""The base of networks that learn several behaviors at once: a head for each, and one for any of them.

Examples are a sample: all pairs with any of the behaviors, and a share of those without. The head of any behavior says
how much each pair stands for, so that the chances of all heads are put right exactly:
p(b) = s(b) / (s(any) + (1 - s(any)) / rate), where s is what was learned from the sample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from shopkeeper.artifacts import ArtifactReader, ArtifactWriter
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.schema import EventType
from shopkeeper.predictors.calibration import Calibration
from shopkeeper.predictors.network import NetworkConfig, NetworkPredictor
from shopkeeper.progress import Progress
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Float32Array, Float64Array

if TYPE_CHECKING:
    from torch import Tensor

    from shopkeeper.nn.behavior.losses import LabelLoss


class MultiTaskConfig(NetworkConfig):
    """Settings that networks of several behaviors share."""

    loss: Literal["binary", "focal", "categorical"] = "binary"  # type: ignore[assignment]
    """`binary` cross-entropy of each behavior; `categorical` of the strongest that came, where a weaker one counts as
    come with a stronger one; or `focal`."""

    @model_validator(mode="after")
    def _weighs(self) -> Self:
        if self.loss == "categorical" and self.positive_weight != 1:
            raise ValueError("positive_weight goes with the losses binary and focal")
        return self


class MultiTaskPredictor(NetworkPredictor):
    """Base of networks with a head for each behavior."""

    Config = MultiTaskConfig
    config: MultiTaskConfig
    several: ClassVar[bool] = True

    def __init__(self, config: MultiTaskConfig | None = None) -> None:
        super().__init__(config)
        self.behaviors: tuple[str, ...] = ()
        """What it was fitted on, the target first; empty where that is all."""
        self._sampled = 1.0
        self._calibrations: list[Calibration] = []
        """Of the behaviors behind the target, whose own is `calibration`."""

    @property
    def heads(self) -> int:
        """One for any behavior (or, of the categorical loss, for nothing), then one for each; or one alone."""
        return 1 + len(self.behaviors) if self.behaviors else 1

    def predict_behaviors(self, examples: Examples) -> Float64Array:
        """The chance of each behavior, float64 [n, behaviors], in the order of `behaviors`.

        Raises:
            NotFittedError: The model was not fitted.
            DataError: Features are missing, or the model predicts amounts.
        """
        if not self.behaviors or self.of_amounts:
            return self.predict_proba(examples)[:, None]
        import torch

        odds = self._odds_of_all(torch.from_numpy(self.logits(examples))).numpy()
        calibrations = (self.calibration, *self._calibrations)
        columns = [calibration(odds[:, place]) for place, calibration in enumerate(calibrations)]
        return np.stack(columns, axis=1)

    def as_scores(self, logits: Tensor) -> Tensor:
        """Log-odds of the target among all pairs, of logits float [n, heads]; float64 [n]."""
        return self._odds_of_all(logits)[:, 0] if self.behaviors else super().as_scores(logits)

    def _odds_of_all(self, logits: Tensor) -> Tensor:
        """Log-odds of each behavior among all pairs, float64 [n, behaviors]."""
        import torch

        raw = logits.double()
        if self.config.loss == "categorical" and not self.of_amounts:
            from shopkeeper.nn.behavior.losses import at_least

            passed_over = raw[:, :1] - float(np.log(self._sampled))
            return at_least(torch.cat([passed_over, raw[:, 1:]], dim=1))[:, self._places()]
        raw = raw - float(np.log(self.config.positive_weight))
        chance = torch.sigmoid(raw)
        passed_over = (1 / self._sampled - 1) * (1 - chance[:, :1])  # beside each example
        rest = torch.sigmoid(-raw[:, 1:]) + passed_over
        return torch.nn.functional.logsigmoid(raw[:, 1:]) - torch.log(rest.clamp(min=1e-300))

    def _places(self) -> list[int]:
        """Where each behavior stands from the weakest to the strongest."""
        order = sorted(self.behaviors, key=lambda name: EventType(name).code)
        return [order.index(name) for name in self.behaviors]

    def _targets(self, examples: Examples) -> Float32Array:
        if not self.behaviors or examples.labels is None:
            return super()._targets(examples)
        labels = examples.labels[:, [examples.behaviors.index(name) for name in self.behaviors]]
        if self.config.loss == "categorical":
            return np.ascontiguousarray(labels[:, np.argsort(self._places())])
        return np.concatenate([(labels > 0).any(axis=1, keepdims=True).astype(np.float32), labels], axis=1)

    def _loss(self) -> LabelLoss:
        if self.config.loss == "categorical" and self.behaviors:
            from shopkeeper.nn.behavior.losses import categorical_loss

            return categorical_loss
        return super()._loss()

    def _learn(
        self, train: Examples, validation: Examples | None, training: TrainingSettings | None, progress: Progress | None
    ) -> None:
        self.behaviors = train.behaviors if train.labels is not None else ()
        if self.behaviors:  # what the network says is put right by itself
            self._sampled, self.negative_rate = train.negative_rate, 1.0
        self._calibrations = [Calibration() for _ in self.behaviors[1:]]
        super()._learn(train, validation, training, progress)

    def _validated(self, loss_of: LabelLoss, logits: Tensor, targets: Tensor) -> Tensor:
        if not self.behaviors:
            return super()._validated(loss_of, logits, targets)
        import torch

        odds = self._odds_of_all(logits)
        place = self._places()[0] if self.config.loss == "categorical" else 1
        return torch.nn.functional.binary_cross_entropy_with_logits(
            odds[:, 0], targets[:, place].double(), reduction="none"
        )

    def _calibrate(self, held_out: Examples) -> None:
        if not self.behaviors or held_out.labels is None:
            super()._calibrate(held_out)
            return
        self._calibrate_all(held_out, held_out.labels, held_out.weight)

    def _calibrate_whole(self, examples: Examples, weight: Float64Array) -> None:
        if not self.behaviors or examples.labels is None:
            super()._calibrate_whole(examples, weight)
        else:
            self._calibrate_all(examples, examples.labels, weight)

    def _calibrate_all(self, examples: Examples, came: Float32Array, weight: Float64Array) -> None:
        """Fits the calibration of each behavior."""
        import torch

        odds = self._odds_of_all(torch.from_numpy(self.logits(examples))).numpy()
        labels = came[:, [examples.behaviors.index(name) for name in self.behaviors]]
        self.calibration, *self._calibrations = (
            Calibration.fitted(self.config.calibration, odds[:, place], labels[:, place], weight)
            for place in range(len(self.behaviors))
        )

    def write(self, writer: ArtifactWriter) -> None:
        """Also the behaviors and what each was calibrated to."""
        super().write(writer)
        writer.json("behaviors.json", {"behaviors": list(self.behaviors), "sampled": self._sampled})

    def _read_more(self, reader: ArtifactReader) -> None:
        super()._read_more(reader)
        facts = reader.json("behaviors.json")
        self.behaviors, self._sampled = tuple(facts["behaviors"]), float(facts["sampled"])

    def state(self) -> dict[str, NDArray[Any]]:
        """Weights, scaling, and the calibration of each behavior."""
        found = super().state()
        for name, calibration in zip(self.behaviors[1:], self._calibrations, strict=True):
            found |= {f"{name}.{key}": values for key, values in calibration.state().items()}
        return found

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes them back."""
        super().restore(state)
        self._calibrations = []
        for name in self.behaviors[1:]:
            own = {key[len(name) + 1 :]: values for key, values in state.items() if key.startswith(f"{name}.")}
            self._calibrations.append(Calibration.restored(own))

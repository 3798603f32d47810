"""What every predictor is: fit on examples with features, give probabilities and reasons, save and load without pickle.

A subclass declares its `Config`, learns in `_fit`, and gives log-odds among the examples in `_log_odds`. Here are the
checks, the calibration, the correction for sampled negatives, and saving.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from shopkeeper.artifacts import ArtifactReader, ArtifactWriter, open_artifact, write_artifact
from shopkeeper.config import Settings, build
from shopkeeper.data.examples.examples import Examples, corrected
from shopkeeper.errors import ArtifactError, DataError, NotFittedError, ShopkeeperError
from shopkeeper.predictors.calibration import Calibration, CalibrationMethod
from shopkeeper.types import Float32Array, Float64Array

KIND = "predictor"


class PredictorConfig(Settings):
    """Base of the settings of one predictor."""

    calibration: CalibrationMethod = "none"
    """How probabilities are made true on validation: not at all, `temperature`, `platt` or `isotonic`."""
    seed: int = 0
    """Seed of what is drawn in training."""


class Reason(NamedTuple):
    """One feature that speaks for or against.

    Attributes:
        feature: Name of the column.
        value: What it is; NaN where it is not known.
        effect: What it adds to the log-odds, against the usual example.
    """

    feature: str
    value: float
    effect: float


class Predictor(ABC):
    """Base of all predictors.

    Args:
        config: Settings of the model; None takes the defaults of its `Config`.
    """

    Config: ClassVar[type[PredictorConfig]] = PredictorConfig

    def __init__(self, config: PredictorConfig | None = None) -> None:
        if config is not None and not isinstance(config, self.Config):
            raise ShopkeeperError(
                f"{self.name} got settings of another model", expected=self.Config.__name__, got=type(config).__name__
            )
        self.config = config if config is not None else self.Config()
        self.features: tuple[str, ...] | None = None
        self.negative_rate = 1.0
        self.calibration = Calibration()

    @property
    def name(self) -> str:
        """The name that tables carry."""
        return type(self).__name__

    def fit(self, train: Examples, validation: Examples | None = None) -> Self:
        """Fits the model, and its calibration on validation.

        Args:
            train: With features, and with labels of both kinds.
            validation: Of later moments, for calibration and early stopping; may be sampled at another rate.

        Returns:
            Itself.

        Raises:
            DataError: There is no example, labels are not 0 and 1 or all alike, or there is nothing to calibrate on.
        """
        self.features = _checked(train, self.name)
        self.negative_rate = train.negative_rate
        values = self._values(train)
        held_out = None if validation is None or len(validation) == 0 else validation
        later = None if held_out is None else (self._values(held_out), held_out.label, self._relative(held_out))
        self._fit(values, train.label, later)
        self.calibration = Calibration()
        if self.config.calibration != "none":
            if later is None:
                raise DataError(
                    "there is nothing to calibrate on", expected="examples of validation",
                    remedy="give some, or set calibration to none",
                )  # fmt: skip
            odds = self._log_odds(later[0])
            self.calibration = Calibration.fitted(self.config.calibration, odds, later[1], later[2])
        return self

    def predict_proba(self, examples: Examples) -> Float64Array:
        """The chance that the target comes, among all pairs and not only among sampled ones.

        Args:
            examples: With features; labels are not looked at.

        Returns:
            float64 [n] in 0 to 1.

        Raises:
            NotFittedError: The model was not fitted.
            DataError: Features are missing.
        """
        values = self._values(examples)
        return corrected(self.calibration(self._log_odds(values)), self.negative_rate)

    def explain(self, examples: Examples, k: int = 5) -> list[list[Reason]]:
        """The features that move the log-odds of each example most, strongest first.

        Raises:
            NotFittedError: The model was not fitted.
            DataError: Features are missing.
        """
        values = self._values(examples)
        effects = self._effects(values)
        best = np.argsort(-np.abs(effects), axis=1, kind="stable")[:, :k]
        names = self.features or ()
        return [
            [Reason(names[place], float(values[row, place]), float(effects[row, place])) for place in places]
            for row, places in enumerate(best.tolist())
        ]

    @abstractmethod
    def _fit(
        self,
        values: Float32Array,
        label: Float32Array,
        validation: tuple[Float32Array, Float32Array, Float64Array] | None,
    ) -> None:
        """Learns from features (float32 [n, d], NaN where unknown) and labels (float32 [n]).

        Validation is features, labels, and weights that give it the rate of negatives of training.
        """

    @abstractmethod
    def _log_odds(self, values: Float32Array) -> Float64Array:
        """Log-odds, or a score that is calibrated to them, float64 [n]."""

    @abstractmethod
    def _effects(self, values: Float32Array) -> Float64Array:
        """What each feature adds to the log-odds, float64 [n, d]."""

    @abstractmethod
    def state(self) -> dict[str, NDArray[Any]]:
        """What was learned, as named arrays; saved as safetensors."""

    @abstractmethod
    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Takes back what `state` gave. `self.features` and `self.config` are set before."""

    def save(self, folder: Path) -> None:
        """Writes the model as an artifact folder, atomically.

        Raises:
            NotFittedError: The model was not fitted.
            ArtifactError: The place is taken by something else or the disk refuses.
        """
        with write_artifact(folder, KIND) as writer:
            self.write(writer)

    def write(self, writer: ArtifactWriter) -> None:
        """Writes the files into a folder of an artifact."""
        facts = {
            "model": self.name,
            "config": self.config.model_dump(mode="json"),
            "features": list(self._fitted()),
            "negative_rate": self.negative_rate,
        }
        writer.json("predictor.json", facts)
        writer.tensors("state.safetensors", self.state() | self.calibration.state())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Loads a saved model; on the base class a model of any kind.

        Raises:
            ArtifactError: There is none, it is damaged, or it is another model.
        """
        return cls.read(open_artifact(folder, KIND))

    @classmethod
    def read(cls, reader: ArtifactReader) -> Self:
        """Reads the files from a folder of an opened artifact.

        Raises:
            ArtifactError: It is damaged, or another model.
        """
        from shopkeeper.predictors.registry import predictor_class

        facts = reader.json("predictor.json")
        found = predictor_class(facts["model"])
        if not issubclass(found, cls):
            raise ArtifactError(f"{reader.path} holds another model", expected=cls.__name__, got=found.__name__)
        model = found(build(found.Config, facts["config"]))
        model.features, model.negative_rate = tuple(facts["features"]), float(facts["negative_rate"])
        state = reader.tensors("state.safetensors")
        model.calibration = Calibration.restored(state)
        model.restore(state)
        return model

    def _fitted(self) -> tuple[str, ...]:
        if self.features is None:
            raise NotFittedError(f"{self.name} is not fitted", remedy="call fit(train) or load a saved one")
        return self.features

    def _values(self, examples: Examples) -> Float32Array:
        names = self._fitted()
        if examples.features is None:
            raise DataError("the examples have no features", remedy="make them by with_features(dataset, examples)")
        return examples.features.aligned(names)

    def _relative(self, examples: Examples) -> Float64Array:
        """Weights at which negatives of these examples are as frequent as in training, float64 [n]."""
        return np.where(examples.label > 0, 1.0, self.negative_rate / examples.negative_rate)


def _checked(train: Examples, name: str) -> tuple[str, ...]:
    """The names of the features, of examples that can be learned from."""
    if len(train) == 0:
        raise DataError("there is no example to learn from", remedy="give a longer log or a shorter horizon")
    if train.features is None:
        raise DataError("the examples have no features", remedy="make them by with_features(dataset, examples)")
    labels = np.unique(train.label)
    if not np.isin(labels, (0, 1)).all():
        raise DataError(f"{name} predicts whether something comes", expected="labels 0 and 1", got=str(labels[:5]))
    if len(labels) == 1:
        raise DataError(
            "all examples have the same label, so there is nothing to tell apart", expected="labels 0 and 1",
            got=f"{len(train)} times {labels[0]:g}", remedy="choose another target, a longer horizon or a longer log",
        )  # fmt: skip
    return train.features.names

"""What every predictor is: fit on examples with features, give probabilities and reasons, save and load without pickle.

A subclass declares its `Config`, learns in `_learn`, and gives log-odds among the examples in `_scores`. Here are the
checks, the calibration, the correction for sampled negatives, and saving. `of_features` is the base of those that see
nothing but the table of features, `network` of those that also see ids and the sequence of events.
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
from shopkeeper.data.examples.settings import ExampleSettings, Moment
from shopkeeper.errors import ArtifactError, DataError, NotFittedError, ShopkeeperError
from shopkeeper.predictors.calibration import Calibration, CalibrationMethod
from shopkeeper.progress import Progress
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Float32Array, Float64Array, Int64Array

KIND = "predictor"
PLACEMENT = "placement"
"""The feature that is a code of the dataset."""
UNBOUNDED = frozenset({"edges", "scaling.spread"})
"""What models learn that is infinite where a bin has no end, and where a feature says nothing."""


class PredictorConfig(Settings):
    """Base of the settings of one predictor."""

    calibration: CalibrationMethod = "none"
    """How probabilities are made true on validation: not at all, `temperature`, `platt`, `piecewise` or `isotonic`."""
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
    amounts: ClassVar[bool] = False
    """Whether it can also predict how much (`predict`), and not only whether."""
    several: ClassVar[bool] = False
    """Whether it learns from the labels of several behaviors at once."""

    def __init__(self, config: PredictorConfig | None = None) -> None:
        if config is not None and not isinstance(config, self.Config):
            raise ShopkeeperError(
                f"{self.name} got settings of another model", expected=self.Config.__name__, got=type(config).__name__
            )
        self.config = config if config is not None else self.Config()
        self.features: tuple[str, ...] | None = None
        self.settings: ExampleSettings | None = None
        """What it predicts; None before `fit` and where the examples did not say."""
        self.placements: tuple[str, ...] = ()
        """Names of the places that training knew; others are unknown to it."""
        self.negative_rate = 1.0
        self.training: TrainingSettings | None = None
        """How `fit` was told to train; None for the model's own way."""
        self.calibration = Calibration()

    @property
    def name(self) -> str:
        """The name that tables carry."""
        return type(self).__name__

    @property
    def of_amounts(self) -> bool:
        """Whether it was fitted on amounts, so that `predict` answers and `predict_proba` does not."""
        return self.settings is not None and self.settings.target == "amount"

    def refuse_other_moment(self, moment: Moment) -> None:
        """Refuses a question at a moment that the model did not learn from: what it says would be far off.

        Args:
            moment: When it is asked: at a visit, or at any moment.

        Raises:
            DataError: It learned from the other.
        """
        if self.settings is None or self.settings.moment == moment:
            return
        if moment == "visit":
            raise DataError(
                f"{self.name} learned what comes after any moment, which is far less than what comes from a visit on",
                expected="a question at any moment", got="one at a visit",
                remedy="leave out the moment, or fit one for visits: shopkeeper select DATASET --moment visit",
            )  # fmt: skip
        fitting = "fit one for any moment: shopkeeper select DATASET --moment any"
        if self.settings.horizon != "days":
            fitting = "fit one for any moment, which needs days: shopkeeper select DATASET --moment any --days 7"
        raise DataError(
            f"{self.name} learned what comes from a visit on, which is far more than what comes after any moment",
            expected="a question at a visit", got="one at any moment",
            remedy=f"{fitting}; where the shopper is in the shop at that moment, say so: moment visit",
        )  # fmt: skip

    def fit(
        self,
        train: Examples,
        validation: Examples | None = None,
        training: TrainingSettings | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Fits the model, and its calibration on validation.

        Args:
            train: With features, and with labels of both kinds, or amounts.
            validation: Of later moments, for early stopping and calibration; may be sampled at another rate. With
                calibration half of its shoppers serve the one and half the other.
            training: How networks are trained; None takes the model's own way, others do not look at it.
            progress: Told how far a network is.

        Returns:
            Itself.

        Raises:
            DataError: There is no example, labels are not 0 and 1 or all alike, or there is nothing to calibrate on.
        """
        self.settings, self.placements = train.settings, train.placement_names
        self.training = training
        self.features = checked(train, self)
        train = train if self.several else train.for_target(self.config.seed)
        self.negative_rate = train.negative_rate
        self.calibration = Calibration()
        later = None if validation is None or len(validation) == 0 else validation
        if later is not None:
            _refuse_labels(np.unique(later.label), self)
        if later is not None and not self.several:
            later = later.for_target(self.config.seed)
        calibrating = self.config.calibration != "none" and not self.of_amounts
        if calibrating and later is None:
            raise DataError(
                "there is nothing to calibrate on", expected="examples of validation",
                remedy="give some, or set calibration to none",
            )  # fmt: skip
        stopping, held_out = halves(later) if calibrating and later is not None else (later, None)
        self._learn(train, stopping, training, progress)
        if held_out is not None:
            self._calibrate(held_out)
        return self

    def calibrate(self, examples: Examples, weight: Float64Array) -> Self:
        """Fits the calibration anew on pairs as they are asked: a whole question of a time behind training.

        Then what is said of all of them adds up to what came. Nothing happens where the settings want no calibration.

        Args:
            examples: With features.
            weight: float64 [n]; how many pairs each stands for.

        Raises:
            NotFittedError: The model was not fitted.
        """
        self._fitted()
        if self.config.calibration != "none" and not self.of_amounts:
            self._calibrate_whole(examples, weight)
        return self

    def _calibrate_whole(self, examples: Examples, weight: Float64Array) -> None:
        """Fits it among all pairs, which makes the correction for what was sampled part of it."""
        sampled = float(np.log(self.negative_rate))
        scores = self._scores(examples) + sampled
        found = Calibration.fitted(self.config.calibration, scores, examples.label, weight)
        self.calibration, self.negative_rate = found.moved(sampled), 1.0

    def predict_proba(self, examples: Examples) -> Float64Array:
        """The chance that the target comes, among all pairs and not only among sampled ones.

        Args:
            examples: With features; labels are not looked at.

        Returns:
            float64 [n] in 0 to 1.

        Raises:
            NotFittedError: The model was not fitted.
            DataError: Features are missing, or the model predicts amounts.
        """
        self._fitted()
        if self.of_amounts:
            raise DataError(f"{self.name} was fitted on amounts, which are no chances", remedy="ask predict")
        return corrected(self.calibration(self._scores(examples)), self.negative_rate)

    def predict(self, examples: Examples) -> Float64Array:
        """What is expected: the amount of a model of amounts, else the chance; float64 [n].

        Raises:
            NotFittedError: The model was not fitted.
            DataError: Features are missing.
        """
        self._fitted()
        return self._scores(examples) if self.of_amounts else self.predict_proba(examples)

    def explain(self, examples: Examples, k: int = 5) -> list[list[Reason]]:
        """What moves the log-odds (or the amount) of each example most, strongest first.

        Raises:
            NotFittedError: The model was not fitted.
            DataError: Features are missing.
        """
        names, values, effects = self.effects(examples)
        best = np.argsort(-np.abs(effects), axis=1, kind="stable")[:, :k]
        return [
            [Reason(names[place], float(values[row, place]), float(effects[row, place])) for place in places]
            for row, places in enumerate(best.tolist())
        ]

    @abstractmethod
    def effects(self, examples: Examples) -> tuple[tuple[str, ...], Float32Array, Float64Array]:
        """What each piece of evidence adds to the log-odds (or the amount), against the usual example.

        Returns:
            Names of the d pieces, their values float32 [n, d], and their effects float64 [n, d].

        Raises:
            NotFittedError: The model was not fitted.
            DataError: Features are missing.
        """

    @abstractmethod
    def _learn(
        self, train: Examples, validation: Examples | None, training: TrainingSettings | None, progress: Progress | None
    ) -> None:
        """Learns from examples that were checked; `self.features`, `settings` and `negative_rate` are set."""

    @abstractmethod
    def _scores(self, examples: Examples) -> Float64Array:
        """Log-odds among examples as sampled, or a score that is calibrated to them, or amounts; float64 [n]."""

    def _calibrate(self, held_out: Examples) -> None:
        """Fits the calibration on examples that training did not see."""
        scores, weight = self._scores(held_out), self._relative(held_out)
        self.calibration = Calibration.fitted(self.config.calibration, scores, held_out.label, weight)

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
            "settings": None if self.settings is None else self.settings.model_dump(mode="json"),
            "training": None if self.training is None else self.training.model_dump(mode="json"),
            "placements": list(self.placements),
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
        model.placements = tuple(facts["placements"])
        if facts["settings"] is not None:
            model.settings = ExampleSettings.saved(facts["settings"])
        if facts.get("training") is not None:
            model.training = build(TrainingSettings, {**facts["training"], "checkpoint_folder": None})
        model._read_more(reader)
        state = reader.tensors("state.safetensors", UNBOUNDED)
        model.calibration = Calibration.restored(state)
        model.restore(state)
        return model

    def _read_more(self, reader: ArtifactReader) -> None:  # noqa: B027
        """Reads what `write` of a subclass adds; before `restore`."""

    def _fitted(self) -> tuple[str, ...]:
        if self.features is None:
            raise NotFittedError(f"{self.name} is not fitted", remedy="call fit(train) or load a saved one")
        return self.features

    def _values(self, examples: Examples) -> Float32Array:
        """The features that the model was fitted on, float32 [n, d]."""
        names = self._fitted()
        if examples.features is None:
            raise DataError("the examples have no features", remedy="make them by with_features(dataset, examples)")
        values = examples.features.aligned(names)
        if PLACEMENT in names and examples.placement_names != self.placements:
            values, place = values.copy(), names.index(PLACEMENT)
            codes = np.nan_to_num(values[:, place]).astype(np.int64)
            values[:, place] = self._placement_codes(examples.placement_names)[codes]
        return values

    def _placement_codes(self, names: tuple[str, ...]) -> Int64Array:
        """For each code of these names the code that training had, 0 for what it lacked; int64 [256]."""
        if names == self.placements:
            return np.arange(256)
        known = {name: code for code, name in enumerate(self.placements, start=1)}
        table = np.zeros(256, dtype=np.int64)
        table[1 : len(names) + 1] = [known.get(name, 0) for name in names]
        return table

    def _relative(self, examples: Examples) -> Float64Array:
        """Weights at which negatives of these examples are as frequent as in training, float64 [n]."""
        return np.where(examples.kept, 1.0, self.negative_rate / examples.negative_rate)


def checked(train: Examples, model: Predictor) -> tuple[str, ...]:
    """The names of the features, of examples that can be learned from.

    Raises:
        DataError: They cannot.
    """
    if len(train) == 0:
        raise DataError("there is no example to learn from", remedy="give a longer log or a shorter horizon")
    if train.features is None:
        raise DataError("the examples have no features", remedy="make them by with_features(dataset, examples)")
    labels = np.unique(train.label)
    if len(labels) == 1:
        raise DataError(
            "all examples have the same label, so there is nothing to tell apart", expected="labels 0 and 1",
            got=f"{len(train)} times {labels[0]:g}", remedy="choose another target, a longer horizon or a longer log",
        )  # fmt: skip
    _refuse_labels(labels, model)
    return train.features.names


def _refuse_labels(labels: Float32Array, model: Predictor) -> None:
    """Refuses labels (distinct values) that the model cannot learn or be measured by."""
    if model.of_amounts:
        if not model.amounts:
            raise DataError(f"{model.name} predicts whether something comes", expected="a model of amounts",
                            remedy="take gradient boosting or a network")  # fmt: skip
        if not np.isfinite(labels).all():
            raise DataError("an amount is not a number", expected="finite amounts")
    elif not np.isin(labels, (0, 1)).all():
        raise DataError(
            f"{model.name} predicts whether something comes", expected="labels 0 and 1", got=str(labels[:5])
        )


def halves(examples: Examples) -> tuple[Examples, Examples]:
    """Two parts without a common shopper; both are the whole where a part would lack one of the labels."""
    one = examples.user_index % 2 == 0
    parts = examples.take(np.flatnonzero(one)), examples.take(np.flatnonzero(~one))
    both = all(len(part) and len(np.unique(part.label > 0)) == 2 for part in parts)
    return parts if both else (examples, examples)

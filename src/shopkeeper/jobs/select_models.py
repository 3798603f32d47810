"""Which predictors compete, what of each is searched, and how one is made of the values that were found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from shopkeeper.config import build, put, search_space
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.enough import HISTORIES_FROM, NETWORKS_FROM
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.schema import INTEREST_TYPES, EventType
from shopkeeper.errors import ConfigError
from shopkeeper.jobs.select_settings import BehaviorSettings
from shopkeeper.predictors.base import Predictor, PredictorConfig
from shopkeeper.predictors.network import NetworkPredictor
from shopkeeper.predictors.registry import predictor_class, predictor_classes
from shopkeeper.search_space import Domain, Value
from shopkeeper.training.settings import TrainingSettings

ALL = "all"
BY_SIZE = (
    (0, ("LogisticRegression", "NaiveBayes", "GradientBoosting", "RandomForest")),
    (NETWORKS_FROM, ("MLP", "DCNv2")),
    (HISTORIES_FROM, ("DIN", "BehaviorTransformer")),
)
"""From so many events of the target (or shoppers) on these compete too."""
TRAINING = "training."
"""Before the paths of settings of training."""


@dataclass(frozen=True)
class Contestant:
    """A predictor with its search.

    Attributes:
        model: Its class.
        config: Its settings as the search begins.
        training: How it is trained as the search begins; None where it is no network.
        space: What is searched, by path; settings of training under `training.`.
        start: Where the search begins.
    """

    model: type[Predictor]
    config: PredictorConfig
    training: TrainingSettings | None
    space: dict[str, Domain]
    start: dict[str, Value]

    @property
    def name(self) -> str:
        """Of its class."""
        return self.model.__name__

    def made(self, values: Mapping[str, Any]) -> tuple[Predictor, TrainingSettings | None]:
        """An unfitted predictor with these values, and how to train it.

        Raises:
            ConfigError: They do not go together.
        """
        config, training = self.config.model_dump(), self.training
        plain = {} if training is None else training.model_dump()
        for path, value in values.items():
            place = plain if path.startswith(TRAINING) else config
            put(place, path.removeprefix(TRAINING).split("."), value)
        model = self.model(build(self.model.Config, config))
        return model, None if training is None else build(TrainingSettings, plain)


def competing(dataset: Dataset, settings: BehaviorSettings) -> list[type[Predictor]]:
    """The predictors that compete on a log.

    Raises:
        ConfigError: There is no such predictor, one of its settings is not valid, or none predicts the target.
    """
    amounts = settings.examples.target == "amount"
    models = [model for model in _named(dataset, settings) if not amounts or model.amounts]
    if not models:
        capable = [name for name, model in predictor_classes().items() if model.amounts]
        raise ConfigError("none of these predictors predicts amounts", expected=", ".join(capable))
    for model in models:
        _config(model, settings)
    return models


def contestants(models: list[type[Predictor]], settings: BehaviorSettings, n_examples: int) -> list[Contestant]:
    """The predictors with what is searched of each; networks, which take longer, behind the others.

    Args:
        models: Their classes.
        settings: Where the search starts.
        n_examples: Of training.
    """
    made = [_contestant(model, settings, n_examples) for model in models]
    return sorted(made, key=lambda one: one.training is not None)


def with_behaviors(examples: ExampleSettings, dataset: Dataset, models: list[type[Predictor]]) -> ExampleSettings:
    """What an example is, with labels of all behaviors of the log where a model learns from several."""
    if examples.behaviors or examples.target in ("churn", "amount") or not any(model.several for model in models):
        return examples
    present = set(np.unique(dataset.histories.event_type).tolist())
    behaviors = tuple(one for one in INTEREST_TYPES if one.code in present)
    return examples.replace(behaviors=behaviors)


def _named(dataset: Dataset, settings: BehaviorSettings) -> list[type[Predictor]]:
    known = predictor_classes()
    if list(settings.models) == [ALL]:
        several = settings.examples.target not in ("churn", "amount")
        return [model for model in known.values() if several or not model.several]
    if settings.models:
        return list(dict.fromkeys(predictor_class(name) for name in settings.models))
    size = _size(dataset, settings.examples)
    return [known[name] for least, names in BY_SIZE if size >= least for name in names if name in known]


def _size(dataset: Dataset, examples: ExampleSettings) -> int:
    """Number of events of the target, or of shoppers where it is none."""
    if examples.target in ("churn", "amount"):
        return dataset.n_users
    return int((np.asarray(dataset.histories.event_type) == EventType(examples.target).code).sum())


def _config(model: type[Predictor], settings: BehaviorSettings) -> PredictorConfig:
    """The settings that the search of a predictor begins with."""
    amounts = settings.examples.target == "amount"
    calibration = "none" if amounts else settings.calibration
    return build(model.Config, {"calibration": calibration, "seed": settings.seed, **_given(model, settings)})


def _given(model: type[Predictor], settings: BehaviorSettings) -> dict[str, Any]:
    given = {predictor_class(name): values for name, values in settings.predictors.items()}
    return given.get(model, {})


def _contestant(model: type[Predictor], settings: BehaviorSettings, n_examples: int) -> Contestant:
    config, given = _config(model, settings), _given(model, settings)
    training = _training(model(config), settings, n_examples)
    declared = {path: domain for path, domain in search_space(model.Config).items() if path not in given}
    values: dict[str, Any] = {path: _value(config, path) for path in declared}
    if training is not None and settings.training is None:
        further = search_space(TrainingSettings)
        declared |= {TRAINING + path: domain for path, domain in further.items()}
        values |= {TRAINING + path: _value(training, path) for path in further}
    space: dict[str, Domain] = {}
    for path, domain in declared.items():
        wide = domain.including(values[path])
        if wide is not None:
            space[path] = wide
    return Contestant(model, config, training, space, {path: values[path] for path in space})


def _training(model: Predictor, settings: BehaviorSettings, n_examples: int) -> TrainingSettings | None:
    """How a predictor is trained as the search begins; None where it is no network."""
    if not isinstance(model, NetworkPredictor):
        return None
    return settings.training if settings.training is not None else model.default_training(n_examples)


def _value(settings: Any, path: str) -> Any:
    for part in path.split("."):
        settings = getattr(settings, part)
    return settings

"""What `tune` searches for one model on one log: the spaces of its settings and of training, from the shop's settings.

Paths are those of `ShopSettings`: `models.SASRec.dropout`, `training.optimizer.learning_rate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from shopkeeper.config import build, put, search_space
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.schema import EVENT_TYPES
from shopkeeper.errors import ConfigError
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.neural import NeuralRecommender
from shopkeeper.recommenders.registry import recommender_class
from shopkeeper.search_space import Domain, Value

MACHINE = {"checkpoint_folder", "checkpoint_every", "checkpoint_steps", "resume", "tensorboard", "device"}
"""Settings of training that say nothing of the result, and are not written down with it."""


def tuning_space(
    settings: ShopSettings, model: type[Recommender], train: Dataset, fixed: Iterable[str] = ()
) -> tuple[dict[str, Domain], dict[str, Value]]:
    """The domains to search, and where the search starts: the settings as they are.

    Args:
        settings: The shop's settings.
        model: The recommender.
        train: The training part; event types that it lacks have no weight to search.
        fixed: Paths of settings that stay as they are, and all below them.

    Raises:
        ConfigError: Nothing is left to search, or a setting of the model is not valid.
    """
    place = f"models.{model.__name__}"
    declared = {f"{place}.{path}": domain for path, domain in search_space(model.Config).items()}
    if issubclass(model, NeuralRecommender):
        declared |= {f"training.{path}": domain for path, domain in search_space(type(settings.training)).items()}
    held = [_canonical(path) for path in fixed]
    idle = [f"{place}.weights.{name}" for name in _idle_weights(train)]
    config = settings.recommender(model.__name__).config
    space: dict[str, Domain] = {}
    start: dict[str, Value] = {}
    for path, domain in declared.items():
        if path in idle or any(path == each or path.startswith(f"{each}.") for each in held):
            continue
        value = _value(config if path.startswith(place) else settings, path.removeprefix(f"{place}."))
        wide = domain.including(value)
        if wide is not None:
            space[path], start[path] = wide, value
    if not space:
        raise ConfigError(
            f"there is nothing to tune in {model.__name__}",
            expected="a model that declares a search space, and one of its settings that is not given with --set",
        )
    return space, start


def with_values(settings: ShopSettings, values: Mapping[str, Any]) -> ShopSettings:
    """The settings with some replaced, by path.

    Raises:
        ConfigError: They do not go together.
    """
    plain = settings.model_dump()
    plain["models"] = by_class_name(settings)
    for path, value in values.items():
        put(plain, path.split("."), value)
    return build(ShopSettings, plain)


def worth_writing(settings: ShopSettings, model: type[Recommender], values: Mapping[str, Value]) -> dict[str, Any]:
    """The values found and what the user gave for the model and for training, nested, for a settings file."""
    given = build(model.Config, by_class_name(settings).get(model.__name__, {}))
    plain: dict[str, Any] = {"models": {model.__name__: given.model_dump(mode="json", exclude_unset=True)}}
    if issubclass(model, NeuralRecommender):
        plain["training"] = settings.training.model_dump(mode="json", exclude_unset=True, exclude=MACHINE)
    for path, value in values.items():
        put(plain, path.split("."), value)
    return plain


def by_class_name(settings: ShopSettings) -> dict[str, dict[str, Any]]:
    """The settings of models under the names of their classes."""
    return {recommender_class(name).__name__: deepcopy(values) for name, values in settings.models.items()}


def short(path: str) -> str:
    """A path without the section that is the same for all settings of its kind."""
    parts = path.split(".")
    return ".".join(parts[2:] if parts[0] == "models" else parts[1:])


def _canonical(path: str) -> str:
    parts = path.split(".")
    if parts[0] == "models" and len(parts) > 1:
        parts[1] = recommender_class(parts[1]).__name__
    return ".".join(parts)


def _value(settings: Any, path: str) -> Any:
    for part in path.split("."):
        settings = getattr(settings, part)
    return settings


def _idle_weights(train: Dataset) -> list[str]:
    """Names of the event weights that change nothing: of types that do not occur, or of the only one that does."""
    present = set(np.unique(train.histories.event_type).tolist())
    return [event.value for event in EVENT_TYPES if event.code not in present or len(present) == 1]

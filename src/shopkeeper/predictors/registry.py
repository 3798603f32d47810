"""Every predictor of this package, found by its class: a new model is a new file and nothing else."""

from __future__ import annotations

from functools import cache

import shopkeeper.predictors as package
from shopkeeper.model_classes import class_named, classes_of
from shopkeeper.predictors.base import Predictor


@cache
def predictor_classes() -> dict[str, type[Predictor]]:
    """All predictors by class name, in alphabetical order."""
    return classes_of(package, Predictor)  # type: ignore[type-abstract]  # the base of what is looked for


def predictor_class(name: str) -> type[Predictor]:
    """The predictor of that name; case, dashes and underscores do not matter.

    Raises:
        ConfigError: There is none.
    """
    return class_named(name, predictor_classes(), "predictor")

"""Finds every predictor in this package by its class: a new model is a new file and nothing else."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import shopkeeper.predictors as package
from shopkeeper.errors import ConfigError, choices
from shopkeeper.predictors.base import Predictor


@cache
def predictor_classes() -> dict[str, type[Predictor]]:
    """All predictors by class name, in alphabetical order."""
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    found: dict[str, type[Predictor]] = {}
    waiting = [Predictor]
    while waiting:
        for child in waiting.pop().__subclasses__():
            waiting.append(child)
            if child.__module__.startswith(package.__name__) and not child.__abstractmethods__:
                found[child.__name__] = child
    return dict(sorted(found.items()))


def predictor_class(name: str) -> type[Predictor]:
    """The predictor of that name; case, dashes and underscores do not matter.

    Raises:
        ConfigError: There is none.
    """
    plain = {_plain(known): found for known, found in predictor_classes().items()}
    if _plain(name) not in plain:
        raise ConfigError(f"there is no predictor {name!r}", expected=choices(name, predictor_classes()))
    return plain[_plain(name)]


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")

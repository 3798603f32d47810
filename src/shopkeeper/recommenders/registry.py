"""Finds every recommender in this package by its class: a new model is a new file and nothing else."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import shopkeeper.recommenders as package
from shopkeeper.errors import ConfigError, choices
from shopkeeper.recommenders.base import Recommender


@cache
def recommender_classes() -> dict[str, type[Recommender]]:
    """All recommenders by class name, in alphabetical order."""
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    found: dict[str, type[Recommender]] = {}
    waiting = [Recommender]
    while waiting:
        for child in waiting.pop().__subclasses__():
            waiting.append(child)
            if child.__module__.startswith(package.__name__) and not child.__abstractmethods__ and child.listed:
                found[child.__name__] = child
    return dict(sorted(found.items()))


def recommender_class(name: str) -> type[Recommender]:
    """The recommender of that name; case, dashes and underscores do not matter.

    Raises:
        ConfigError: There is none.
    """
    plain = {_plain(known): found for known, found in recommender_classes().items()}
    if _plain(name) not in plain:
        raise ConfigError(f"there is no recommender {name!r}", expected=choices(name, recommender_classes()))
    return plain[_plain(name)]


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")

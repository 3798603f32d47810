"""Finds all models of a package by their class: a new model is a new file and nothing else."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import ModuleType
from typing import TypeVar

from shopkeeper.errors import ConfigError, choices

T = TypeVar("T")


def classes_of(package: ModuleType, base: type[T]) -> dict[str, type[T]]:
    """The classes below a base that the modules of a package define, by name, in alphabetical order.

    Args:
        package: All its modules are imported.
        base: Of the models; classes with something left abstract do not count.
    """
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    found: dict[str, type[T]] = {}
    waiting = [base]
    while waiting:
        for child in waiting.pop().__subclasses__():
            waiting.append(child)
            if child.__module__.startswith(package.__name__) and not getattr(child, "__abstractmethods__", None):
                found[child.__name__] = child
    return dict(sorted(found.items()))


def class_named(name: str, classes: Mapping[str, type[T]], kind: str) -> type[T]:
    """The class of that name; case, dashes and underscores do not matter.

    Args:
        name: As somebody wrote it.
        classes: By name.
        kind: What they are, for the error.

    Raises:
        ConfigError: There is none.
    """
    plain = {_plain(known): found for known, found in classes.items()}
    if _plain(name) not in plain:
        raise ConfigError(f"there is no {kind} {name!r}", expected=choices(name, classes))
    return plain[_plain(name)]


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")

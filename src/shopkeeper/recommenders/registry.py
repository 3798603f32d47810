"""Every recommender of this package, found by its class: a new model is a new file and nothing else."""

from __future__ import annotations

from functools import cache

import shopkeeper.recommenders as package
from shopkeeper.model_classes import class_named, classes_of
from shopkeeper.recommenders.base import Recommender


@cache
def recommender_classes() -> dict[str, type[Recommender]]:
    """All recommenders by class name, in alphabetical order."""
    found = classes_of(package, Recommender)  # type: ignore[type-abstract]  # the base of what is looked for
    return {name: cls for name, cls in found.items() if cls.listed}


def recommender_class(name: str) -> type[Recommender]:
    """The recommender of that name; case, dashes and underscores do not matter.

    Raises:
        ConfigError: There is none.
    """
    return class_named(name, recommender_classes(), "recommender")

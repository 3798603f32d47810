"""What benchmarks of next-item models share: means with intervals, a search of settings, and what ran on what."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np

from shopkeeper.config import parse_value, put
from shopkeeper.errors import ConfigError
from shopkeeper.evaluation.bootstrap import LEVEL, resampled_means
from shopkeeper.machine import describe_processor
from shopkeeper.types import Float32Array, Int64Array

LIBRARIES = ("shopkeeper", "numpy", "scipy", "torch", "implicit")
UNTRAINED = frozenset(
    {"mostpopular", "recentlyviewed", "personalfrequency", "transitions", "itemknn", "ease", "vsknn", "stan", "tifuknn"}
)
"""Models that do not start from random numbers: they run with one seed."""
RESAMPLES, SEED = 1000, 0


@dataclass(frozen=True)
class Figure:
    """A mean over questions.

    Attributes:
        value: Mean over seeds.
        low: Lower end of the 95 % interval over groups of questions.
        high: Its upper end.
        std: Standard deviation over seeds; 0 for one seed.
    """

    value: float
    low: float
    high: float
    std: float


def figure(by_seed: list[Float32Array], group: Int64Array) -> Figure:
    """The mean of values, and a bootstrap over groups of questions that belong together.

    Args:
        by_seed: For each seed float32 [n].
        group: int64 [n]; from 0, the group (a session, say) of each question.
    """
    values = np.stack(by_seed).astype(np.float64)
    sums = np.bincount(group, weights=values.mean(axis=0))
    pairs = np.stack([sums, np.bincount(group)], axis=1).astype(np.float32)
    resampled = resampled_means(pairs, RESAMPLES, SEED)
    low, high = np.quantile(resampled[:, 0] / resampled[:, 1], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    means = values.mean(axis=1)
    return Figure(float(means.mean()), float(low), float(high), float(means.std(ddof=1)) if len(means) > 1 else 0.0)


def coordinate_search(
    start: dict[str, Any], grid: Mapping[str, list[Any]], attempt: Callable[[dict[str, Any]], float]
) -> Iterator[tuple[dict[str, Any], float]]:
    """Tries one setting after the other on top of the best so far, again and again until nothing gets better.

    Args:
        start: Settings that the search starts from.
        grid: Values to try, by setting.
        attempt: Tells how good settings are; higher is better.

    Yields:
        Each settings tried, and how good they are; the caller may stop at any time.
    """
    tried: dict[str, float] = {}
    best, reached = start, attempt(start)
    tried[repr(sorted(start.items()))] = reached
    yield best, reached
    better = True
    while better:
        better = False
        for name, values in grid.items():
            base = best
            for value in values:
                config = {**base, name: value}
                key = repr(sorted(config.items()))
                if key in tried:
                    continue
                tried[key] = attempt(config)
                yield config, tried[key]
                if tried[key] > reached:
                    best, reached, better = config, tried[key], True


def configs_by_model(changes: list[str]) -> dict[str, dict[str, Any]]:
    """Settings of models from `model.field=value`, by the model's name in lower case.

    Raises:
        ConfigError: One is not of that form.
    """
    found: dict[str, dict[str, Any]] = {}
    for change in changes:
        key, separator, text = change.partition("=")
        model, *path = key.strip().split(".")
        if not separator or not path:
            raise ConfigError("a setting of a model has another form", expected="model.field=value", got=change)
        put(found.setdefault(model.lower(), {}), path, parse_value(text.strip()))
    return found


def versions() -> dict[str, str]:
    """Versions of what ran, and the processor: where its instructions differ, sums are rounded otherwise."""
    found = {name: version(name) for name in LIBRARIES if find_spec(name)}
    return found | {"python": platform.python_version(), "machine": platform.machine()} | describe_processor()

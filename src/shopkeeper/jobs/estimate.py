"""What a training will take, told before it starts: refused where it would not fit in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shopkeeper.data.holdout import Split
from shopkeeper.errors import ConfigError, DataError, ResourceError
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.machine import memory
from shopkeeper.recommenders.estimate import Estimate
from shopkeeper.recommenders.top_k import SCORE_BYTES

SCORING = 3 * SCORE_BYTES
"""Bytes of measuring a model on the validation part, at most."""


@dataclass(frozen=True)
class TrainingEstimate:
    """What one training will take, the models of its pipeline included.

    Attributes:
        estimates: Of the model and of those fitted after it, by name.
        free: Bytes that the process may still take; None where unknown.
    """

    estimates: Mapping[str, Estimate]
    free: int | None

    @property
    def largest(self) -> str:
        """The model that needs most memory; they are fitted one after the other."""
        return max(self.estimates, key=lambda name: self.estimates[name].bytes)

    @property
    def bytes(self) -> float:
        """Memory at the peak."""
        return self.estimates[self.largest].bytes + SCORING

    @property
    def seconds(self) -> float | None:
        """Wall time of all, at most where training may stop early; None where it was not told."""
        seconds = [estimate.seconds for estimate in self.estimates.values()]
        return None if None in seconds else sum(each for each in seconds if each is not None)

    @property
    def fits(self) -> bool:
        """Whether the memory suffices, as far as is known."""
        return self.free is None or self.bytes <= self.free


def estimate_training(parts: Split, model: str, settings: ShopSettings) -> TrainingEstimate:
    """Estimates a training and the models of its pipeline.

    Args:
        parts: The split.
        model: Name of the recommender.
        settings: Of the models and of training.

    Raises:
        ConfigError: There is no such model, or one of its settings is not valid.
        DataError: There is nothing to learn from.
    """
    free = memory()[1]
    asked = parts.validation if len(parts.validation) else None
    recommender = settings.recommender(model)
    estimates = {recommender.name: recommender.estimate(parts.train, settings.training, asked)}
    for name in settings.pipeline.also:
        beside = settings.recommender(name)
        if beside.name not in estimates:
            try:
                estimates[beside.name] = beside.estimate(parts.train, settings.training, asked)
            except (ConfigError, DataError):  # it will be left out
                continue
    return TrainingEstimate(estimates, free)


def refuse_too_large(estimate: TrainingEstimate) -> None:
    """Refuses a training that does not fit.

    Raises:
        ResourceError: With what takes the memory, and what to do.
    """
    if estimate.fits or estimate.free is None:
        return
    largest = estimate.estimates[estimate.largest]
    parts = sorted(largest.parts.items(), key=lambda part: -part[1])[:3]
    raise ResourceError(
        f"training {estimate.largest} would not fit in memory",
        expected=f"at most {estimate.free / 1e9:.1f} GB, which are free",
        got=f"about {estimate.bytes / 1e9:.1f} GB ("
        + ", ".join(f"{name} {size / 1e9:.1f}" for name, size in parts)
        + ")",
        remedy=f"{largest.remedy}; --force tries all the same",
    )

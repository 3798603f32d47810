"""Fits models on one split and puts them on a leaderboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shopkeeper.data.holdout import Split
from shopkeeper.errors import DataError
from shopkeeper.evaluation.cost import Cost, measured
from shopkeeper.evaluation.evaluate import evaluate
from shopkeeper.evaluation.leaderboard import Entry, Leaderboard
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender
from shopkeeper.training.settings import TrainingSettings

Part = Literal["validation", "test"]
Contestant = Recommender | tuple[str, Recommender]
"""A model, with a name where two of one class compete."""


@dataclass(frozen=True)
class Fit:
    """A fitted model and what fitting took.

    Attributes:
        recommender: The model.
        cost: Time and memory of fitting.
        seed: Seed of its training.
        name: Name in the table; None takes the model's.
    """

    recommender: Recommender
    cost: Cost
    seed: int
    name: str | None = None

    @property
    def label(self) -> str:
        """The name in the table."""
        return self.name if self.name is not None else self.recommender.name


def fit(
    model: Contestant, split: Split, training: TrainingSettings | None = None, progress: Progress | None = None
) -> Fit:
    """Fits a model on the training part, with the validation part for early stopping, and measures the cost.

    Args:
        model: Unfitted; it is fitted in place.
        split: The parts.
        training: How networks are trained.
        progress: Told how far it is; None stays silent.

    Raises:
        DataError: The training part does not suffice.
        ResourceError: The model is too large for it.
    """
    name, recommender = model if isinstance(model, tuple) else (None, model)
    training = training if training is not None else TrainingSettings()
    with measured() as cost:
        recommender.fit(split.train, split.validation if len(split.validation) else None, training, progress)
    return Fit(recommender, cost, training.seed, name)


def measure(
    fits: Sequence[Fit],
    split: Split,
    settings: EvaluationSettings | None = None,
    progress: Progress | None = None,
    part: Part = "test",
) -> Leaderboard:
    """Asks fitted models the questions of one part.

    Args:
        fits: The models.
        split: The split that they were fitted on.
        settings: What to measure.
        progress: Told how far it is; None stays silent.
        part: Which part asks.

    Returns:
        The leaderboard, in the order of the models.

    Raises:
        DataError: There is no model, two have one name, or nobody is asked.
    """
    _refuse_one_name([fit.label for fit in fits])
    holdout = split.validation if part == "validation" else split.test
    entries = []
    for one in fits:
        model = one.recommender
        evaluation = evaluate(model, holdout, settings, part=part, name=one.label, train=split.train, progress=progress)
        entries.append(Entry(evaluation, one.cost, model.config.model_dump(mode="json"), (one.seed,)))
    return Leaderboard.of(split, entries)


def leaderboard(
    split: Split,
    models: Sequence[Contestant],
    training: TrainingSettings | None = None,
    settings: EvaluationSettings | None = None,
    progress: Progress | None = None,
    part: Part = "test",
) -> Leaderboard:
    """Fits each model on the training part and evaluates it on one other part.

    Validation is given to the models for early stopping only. What is chosen by a leaderboard (a model, a setting) must
    be chosen with ``part="validation"``; the test is for the final figure.

    Args:
        split: The parts.
        models: Unfitted models; they are fitted in place.
        training: How networks are trained.
        settings: What to measure.
        progress: Told how far it is; None stays silent.
        part: Which part to evaluate on.

    Returns:
        The leaderboard, in the order of the models.

    Raises:
        DataError: There is no model, two have one name, or nobody is asked.
    """
    _refuse_one_name([model[0] if isinstance(model, tuple) else model.name for model in models])
    return measure([fit(model, split, training, progress) for model in models], split, settings, progress, part)


def _refuse_one_name(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        raise DataError("two models have one name", got=", ".join(names), remedy="pass (name, recommender)")

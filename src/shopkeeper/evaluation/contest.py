"""Fits several models on one split and puts them on a leaderboard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from shopkeeper.data.holdout import Split
from shopkeeper.errors import DataError
from shopkeeper.evaluation.cost import measured
from shopkeeper.evaluation.evaluate import evaluate
from shopkeeper.evaluation.leaderboard import Entry, Leaderboard
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender
from shopkeeper.training.settings import TrainingSettings

Contestant = Recommender | tuple[str, Recommender]
"""A model, with a name where two of one class compete."""


def leaderboard(
    split: Split,
    models: Sequence[Contestant],
    training: TrainingSettings | None = None,
    settings: EvaluationSettings | None = None,
    progress: Progress | None = None,
    part: Literal["validation", "test"] = "test",
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
    named = [model if isinstance(model, tuple) else (model.name, model) for model in models]
    if len({name for name, _ in named}) < len(named):
        raise DataError(
            "two models have one name", got=", ".join(name for name, _ in named), remedy="pass (name, recommender)"
        )
    training = training if training is not None else TrainingSettings()
    holdout = split.validation if part == "validation" else split.test
    for_stopping = split.validation if len(split.validation) else None
    entries = []
    for name, model in named:
        with measured() as fitting:
            model.fit(split.train, for_stopping, training, progress)
        evaluation = evaluate(model, holdout, settings, part=part, name=name, progress=progress)
        entries.append(Entry(evaluation, fitting, model.config.model_dump(mode="json"), (training.seed,)))
    return Leaderboard.of(split, entries)

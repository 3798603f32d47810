"""Several models on one split: fitted, measured side by side, and the best one chosen on the validation part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shopkeeper.data.holdout import Split
from shopkeeper.errors import DataError, ResourceError
from shopkeeper.evaluation.cost import Cost, measured
from shopkeeper.evaluation.evaluate import evaluate
from shopkeeper.evaluation.leaderboard import Entry, Leaderboard
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.progress import Progress
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.validation import sample_holdout, validation_ndcg

Part = Literal["validation", "test"]


@dataclass(frozen=True)
class Fit:
    """A fitted model and what fitting took.

    Attributes:
        recommender: The model.
        cost: Time and memory of fitting.
        seed: Seed of its training.
    """

    recommender: Recommender
    cost: Cost
    seed: int


def fit_models(
    names: Sequence[str], parts: Split, settings: ShopSettings, progress: Progress | None = None
) -> tuple[list[Fit], list[str]]:
    """Fits recommenders on the training part, with the validation part for early stopping.

    Args:
        names: Names of recommenders.
        parts: The split.
        settings: Settings of the models and of training.
        progress: Told how far it is.

    Returns:
        The fitted models in the order of the names, and for each that does not fit this log one line with the reason.

    Raises:
        ConfigError: There is no such model, or one of its settings is not valid.
    """
    fits: list[Fit] = []
    skipped: list[str] = []
    validation = parts.validation if len(parts.validation) else None
    for model in [settings.recommender(name) for name in names]:
        if progress:
            progress.start(f"fitting {model.name}", None)
        try:
            with measured() as cost:
                model.fit(parts.train, validation, settings.training, progress)
            fits.append(Fit(model, cost, settings.training.seed))
        except (ResourceError, DataError) as error:
            skipped.append(f"{model.name} was left out: {error.problem}")
        if progress:
            progress.finish()
    return fits, skipped


def measure(
    fits: Sequence[Fit], parts: Split, part: Part, settings: ShopSettings, progress: Progress | None = None
) -> Leaderboard:
    """Asks all models the questions of one part.

    Args:
        fits: Fitted models; two of one class get a number behind their name.
        parts: The split that they were fitted on.
        part: Which part asks.
        settings: What to measure.
        progress: Told how far it is.

    Raises:
        DataError: There is no model, or nobody is asked.
    """
    entries: list[Entry] = []
    for fit in fits:
        evaluation = evaluate(
            fit.recommender,
            parts.validation if part == "validation" else parts.test,
            settings.evaluation,
            part=part,
            name=_free_name(fit.recommender.name, entries),
            train=parts.train,
            progress=progress,
        )
        entries.append(Entry(evaluation, fit.cost, fit.recommender.config.model_dump(mode="json"), (fit.seed,)))
    return Leaderboard.of(parts, entries)


def best_on_validation(fits: Sequence[Fit], parts: Split, settings: ShopSettings) -> Fit:
    """The model with the highest NDCG@10 on the validation part; the first where nobody is asked there."""
    if len(parts.validation) == 0:
        return fits[0]
    asked = sample_holdout(parts.validation, settings.training.validation_users, settings.training.seed)
    return max(fits, key=lambda fit: validation_ndcg(fit.recommender, asked))


def _free_name(name: str, entries: Sequence[Entry]) -> str:
    taken = {entry.name for entry in entries}
    number, free = 2, name
    while free in taken:
        free, number = f"{name} {number}", number + 1
    return free

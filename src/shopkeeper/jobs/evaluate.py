"""Evaluates bundles on the log that they were made from, with baselines fitted beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.holdout import Split
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.errors import DataError
from shopkeeper.evaluation.contest import Fit, Part, measure
from shopkeeper.evaluation.cost import Cost
from shopkeeper.evaluation.leaderboard import Leaderboard
from shopkeeper.jobs.contest import fit_models, with_free_names
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.progress import Progress
from shopkeeper.recommenders.registry import recommender_class

BASELINES = ("MostPopular", "RecentlyViewed", "PersonalFrequency", "Transitions", "ItemKNN", "EASE")
"""Models that every table has beside the ones in question."""


@dataclass(frozen=True)
class Evaluated:
    """A leaderboard and what it was made of.

    Attributes:
        split: The parts of the log.
        leaderboard: Figures of every model.
        fits: The models, in the order of the leaderboard.
        skipped: One line for each baseline that does not fit this log.
    """

    split: Split
    leaderboard: Leaderboard
    fits: Sequence[Fit]
    skipped: Sequence[str]


def evaluate_bundles(
    bundles: Sequence[Bundle],
    dataset: Dataset,
    settings: ShopSettings,
    part: Part = "test",
    baselines: Sequence[str] = BASELINES,
    progress: Progress | None = None,
) -> Evaluated:
    """Asks bundles and baselines the held-out questions of a log.

    Of a bundle that was fitted on the whole log those models are asked that were fitted on the training part.

    Args:
        bundles: At least one; all made from this log with one kind of split.
        dataset: The log.
        settings: What to measure, and settings of the baselines.
        part: Which part of the split asks.
        baselines: Names of recommenders to fit beside.
        progress: Told how far it is.

    Raises:
        DataError: A bundle was made from another log or by another split, or nobody is asked.
    """
    parts = split(dataset, build(SplitSettings, bundles[0].card.split_settings))
    for bundle in bundles:
        _check_origin(bundle, parts)
    given = [
        Fit(model, Cost(bundle.card.seconds), bundle.card.seed)
        for bundle in bundles
        for model in (bundle.tried.pipeline, bundle.tried.pipeline.primary)
    ]
    names = {fit.recommender.name for fit in given}
    beside, skipped = fit_models(
        [name for name in baselines if recommender_class(name).__name__ not in names], parts, settings, progress
    )
    fits = with_free_names([*given, *beside])
    return Evaluated(parts, measure(fits, parts, settings.evaluation, progress, part), fits, skipped)


def _check_origin(bundle: Bundle, parts: Split) -> None:
    expected = bundle.card.data.get("training_hash")
    if expected != parts.train.data_hash:
        raise DataError(
            f"the bundle of {bundle.card.model} was not trained on the training part of this log",
            expected=f"training data {str(expected)[:12]}",
            got=parts.train.data_hash[:12],
            remedy="give the dataset that it was trained from; bundles of one table must share one split",
        )

"""Trains one recommender on a prepared log, puts it into a pipeline, and makes the bundle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.holdout import Split
from shopkeeper.data.split import split, whole
from shopkeeper.evaluation.cost import measured
from shopkeeper.evaluation.evaluate import Evaluation, evaluate
from shopkeeper.jobs.bundles import make_bundle, without_log
from shopkeeper.jobs.estimate import TrainingEstimate, estimate_training
from shopkeeper.jobs.newcomers import item_encoder
from shopkeeper.jobs.pipelines import make_pipeline
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.progress import Progress


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Attributes:
        bundle: What to serve.
        evaluations: Figures of the pipeline and of its recommender on the validation part; empty where it asks nobody.
    """

    bundle: Bundle
    evaluations: Sequence[Evaluation]


@dataclass(frozen=True)
class Trial:
    """A pipeline that has seen nothing of the held-out parts.

    Attributes:
        pipeline: Fitted on the training part.
        parts: The split.
        evaluations: Figures of the pipeline and of its recommender on the validation part; empty where it asks nobody.
        seconds: Wall time of fitting.
    """

    pipeline: Pipeline
    parts: Split
    evaluations: Sequence[Evaluation]
    seconds: float


def train(
    dataset: Dataset,
    model: str,
    settings: ShopSettings,
    progress: Progress | None = None,
    told: Callable[[TrainingEstimate], None] | None = None,
    refit: bool = False,
) -> Trained:
    """Splits a log, fits a recommender and its pipeline on the training part, and measures both on the validation part.

    Args:
        dataset: A prepared log.
        model: Name of the recommender.
        settings: Split, model and training settings.
        progress: Told how far it is.
        told: Gets the estimate of time and memory before anything is fitted, and may raise; None estimates nothing.
        refit: Fit what shall be served once more, on the whole log; the figures are those of the first fit.

    Raises:
        ConfigError: There is no such model.
        DataError: The log cannot be split or holds nothing to learn from.
    """
    trial = fit_trial(dataset, model, settings, progress, told)
    return Trained(bundle_of(trial, dataset, settings, refit, progress), trial.evaluations)


def fit_trial(
    dataset: Dataset,
    model: str,
    settings: ShopSettings,
    progress: Progress | None = None,
    told: Callable[[TrainingEstimate], None] | None = None,
) -> Trial:
    """The first half of `train`: fits and measures what has seen nothing of the held-out parts."""
    recommender = settings.recommender(model)
    parts = split(dataset, settings.prepare.split)
    asked = parts.validation if len(parts.validation) else None
    if told is not None:
        told(estimate_training(parts, model, settings))
    with measured() as cost:
        recommender.fit(parts.train, asked, settings.training, progress)
        pipeline = make_pipeline(recommender, parts, settings, progress)
    evaluations = []
    if asked is not None:
        evaluations = [
            evaluate(one, asked, settings.evaluation, part="validation", progress=progress)
            for one in (pipeline, recommender)
        ]
    return Trial(pipeline, parts, evaluations, cost.seconds)


def bundle_of(
    trial: Trial, dataset: Dataset, settings: ShopSettings, refit: bool, progress: Progress | None = None
) -> Bundle:
    """The second half of `train`: the bundle of what was fitted, or of the same fitted on the whole log."""
    served, seconds = trial.pipeline, trial.seconds
    if refit:
        with measured() as cost:
            served = trial.pipeline.refitted(whole(dataset, settings.prepare.split), settings.training, progress)
        seconds += cost.seconds
    encoder = item_encoder(served.recommenders, served.train, settings.newcomers, settings.features, progress)
    bundle = make_bundle(
        served, dataset, trial.parts, settings.training, trial.evaluations, seconds, encoder,
        trial=trial.pipeline if refit else None,
    )  # fmt: skip
    return bundle if settings.retrain.keep_log else without_log(bundle)

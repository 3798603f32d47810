"""Trains one recommender on a prepared log, puts it into a pipeline, and makes the bundle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.split import split
from shopkeeper.evaluation.cost import measured
from shopkeeper.evaluation.evaluate import Evaluation, evaluate
from shopkeeper.jobs.bundles import make_bundle
from shopkeeper.jobs.estimate import TrainingEstimate, estimate_training
from shopkeeper.jobs.newcomers import item_encoder
from shopkeeper.jobs.pipelines import make_pipeline
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.pipeline.bundle import Bundle
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


def train(
    dataset: Dataset,
    model: str,
    settings: ShopSettings,
    progress: Progress | None = None,
    told: Callable[[TrainingEstimate], None] | None = None,
) -> Trained:
    """Splits a log, fits a recommender and its pipeline on the training part, and measures both on the validation part.

    Args:
        dataset: A prepared log.
        model: Name of the recommender.
        settings: Split, model and training settings.
        progress: Told how far it is.
        told: Gets the estimate of time and memory before anything is fitted, and may raise; None estimates nothing.

    Raises:
        ConfigError: There is no such model.
        DataError: The log cannot be split or holds nothing to learn from.
    """
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
    encoder = item_encoder(pipeline.recommenders, parts.train, settings.newcomers, settings.features, progress)
    bundle = make_bundle(pipeline, dataset, parts, settings.training, evaluations, cost.seconds, encoder)
    return Trained(bundle, evaluations)

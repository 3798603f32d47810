"""Makes a bundle of a fitted pipeline and the log that it shall answer from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from shopkeeper.data.cutoffs import moment_text
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.holdout import Split
from shopkeeper.data.transforms.defaults import default_feature_settings
from shopkeeper.data.transforms.transformer import FeatureTransformer
from shopkeeper.machine import describe_processor
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.pipeline.card import Card, now, versions
from shopkeeper.pipeline.item_encoder import ItemEncoder
from shopkeeper.pipeline.kept_log import KeptLog
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.pipeline.trial_fit import TrialFit
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.neural import NeuralRecommender
from shopkeeper.training.settings import TrainingSettings

if TYPE_CHECKING:
    from shopkeeper.evaluation.evaluate import Evaluation

IT_IS_OFF: Final = "retrain.keep_log is off"
TRAINING_PART: Final = "training part"
WHOLE_LOG: Final = "whole log"


def make_bundle(
    recommender: Recommender,
    dataset: Dataset,
    split: Split,
    training: TrainingSettings,
    evaluations: Sequence[Evaluation],
    seconds: float,
    encoder: tuple[ItemEncoder | None, dict[str, Any]] = (None, {}),
    trial: Pipeline | None = None,
) -> Bundle:
    """Puts together all that answering needs.

    Args:
        recommender: A pipeline, or a recommender that shall answer alone, fitted on the training part, or on the whole
            log; from now on it remembers the whole log.
        dataset: The whole log.
        split: How the log was split.
        training: How networks were trained.
        evaluations: What the pipeline and its recommender reached, for the card; empty where nothing was held out.
        seconds: Wall time of fitting.
        encoder: What `item_encoder` gave.
        trial: The pipeline that the figures are of, where the other one was fitted on the whole log.

    Returns:
        The bundle, which keeps the log, not yet saved.
    """
    pipeline = recommender if isinstance(recommender, Pipeline) else Pipeline.of_fitted([recommender])
    served = pipeline.train
    pipeline.remember(dataset)
    primary = pipeline.primary
    metrics = [row.to_json() for one in evaluations for row in one.rows if row.group == "all"]
    return Bundle(
        pipeline=pipeline,
        card=Card(
            model=primary.name,
            model_settings=primary.config.model_dump(mode="json"),
            decided=dict(primary.decided),
            pipeline=_pipeline_facts(pipeline),
            training_settings=training.model_dump(mode="json"),
            split_settings=split.settings.model_dump(mode="json"),
            data=_data_facts(dataset, split),
            metrics=metrics,
            not_measured="" if metrics else _why_not_measured(split),
            fitted_on={
                "served": fitted_on(served, TRAINING_PART if trial is None else WHOLE_LOG),
                "measured": fitted_on(split.train, TRAINING_PART),
            },
            log={"kept": True, "events": dataset.n_events},
            learning_curve=learning_curve(primary if trial is None else trial.primary),
            seed=training.seed,
            seconds=seconds,
            created_at=now(),
            versions=versions(),
            machine=_machine_facts(primary),
            newcomers=encoder[1],
        ),
        features=_features(dataset, served),
        encoder=encoder[0],
        log=KeptLog(dataset),
        trial=None if trial is None else TrialFit(trial),
    )


def without_log(bundle: Bundle) -> Bundle:
    """The same without the rows that it was made of: the next `retrain` must be given the log."""
    return replace(bundle, log=None, card=bundle.card.replace(log={"kept": False, "reason": IT_IS_OFF}))


def fitted_on(train: Dataset, part: str) -> dict[str, Any]:
    """What the card says of the events that a model learned from."""
    last = int(np.asarray(train.histories.timestamp).max())
    sizes = {"users": train.n_users, "items": train.n_items, "events": train.n_events}
    return {"part": part, **sizes, "until": moment_text(last)}


def _why_not_measured(split: Split) -> str:
    if not len(split.validation):
        return "the validation part has no users to evaluate"
    return "whoever made the bundle measured nothing"


def learning_curve(recommender: Recommender) -> list[dict[str, float | None]]:
    """One record an epoch of a model that was fitted in this process; empty for one without epochs."""
    result = recommender.training_result if isinstance(recommender, NeuralRecommender) else None
    return [] if result is None else [asdict(record) for record in result.history]


def _machine_facts(recommender: Recommender) -> dict[str, str]:
    """The processor and, for a network, what it was trained on and with which products."""
    result = recommender.training_result if isinstance(recommender, NeuralRecommender) else None
    trained = {} if result is None else {"device": result.device, "matmul_dtype": result.matmul_dtype}
    return describe_processor() | trained


def _pipeline_facts(pipeline: Pipeline) -> dict[str, Any]:
    return {
        "settings": pipeline.config.model_dump(mode="json"),
        "weights": {model.name: weight for model, weight in zip(pipeline.recommenders, pipeline.weights, strict=True)},
        "fallbacks": [model.name for model in pipeline.fallbacks],
    }


def _data_facts(dataset: Dataset, split: Split) -> dict[str, Any]:
    times = dataset.histories.timestamp
    return {
        "hash": dataset.data_hash,
        "training_hash": split.train.data_hash,
        "users": dataset.n_users,
        "items": dataset.n_items,
        "events": dataset.n_events,
        "training_users": split.train.n_users,
        "training_items": split.train.n_items,
        "training_events": split.train.n_events,
        "first_event_microseconds": int(times.min()),
        "last_event_microseconds": int(times.max()),
        "leaks_future": split.leaks_future,
        "source": dataset.facts.get("source", ""),
    }


def _features(dataset: Dataset, train: Dataset) -> FeatureTransformer | None:
    """Transforms of the catalog columns, fitted on the items that training has seen."""
    if dataset.catalog is None:
        return None
    known = dataset.catalog.aligned(train.items)
    settings = default_feature_settings(known)
    return FeatureTransformer.fit(known, settings) if settings.steps else None

"""The report of an evaluation: gathers what the page shows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.holdout import Split
from shopkeeper.errors import ArtifactError, DataError
from shopkeeper.evaluation.contest import Fit, Part
from shopkeeper.evaluation.event_curve import METRICS, event_curve
from shopkeeper.evaluation.leaderboard import Leaderboard
from shopkeeper.evaluation.report.board import Board
from shopkeeper.evaluation.report.inputs import ReportInputs
from shopkeeper.evaluation.rows import MetricRow
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.features.image.feature import ImageSettings, image_source
from shopkeeper.features.semantic_ids import SemanticIds
from shopkeeper.features.store import FeatureStore
from shopkeeper.jobs.bundles import learning_curve
from shopkeeper.pipeline.card import Card
from shopkeeper.progress import Progress

CURVES = 3
"""So many models, the best ones, are asked with histories cut short."""


def report_inputs(
    dataset: Dataset,
    parts: Split,
    leaderboard: Leaderboard,
    fits: Sequence[Fit],
    card: Card,
    validation: Mapping[str, Any] | None = None,
    command: str = "",
    curve: Sequence[MetricRow] = (),
) -> ReportInputs:
    """All that the page shows.

    Args:
        dataset: The whole prepared log.
        parts: Its split.
        leaderboard: Figures of the models.
        fits: The models; example shoppers see the one of the card first.
        card: Card of the bundle that the report is about.
        validation: JSON of a validation report.
        command: What was typed, for the record.
        curve: What `event_curves` gave.
    """
    models = sorted((fit.recommender for fit in fits), key=lambda model: model.name != card.model)
    return ReportInputs(
        dataset=dataset,
        split=parts,
        board=Board.of(leaderboard),
        curve=curve,
        recommenders=models,
        semantic_ids=_semantic_ids(fits),
        validation=validation,
        rejected=dataset.facts.get("rejected"),
        learning_curve=_learning_curve(card, fits),
        card={"command": command, **card.model_dump(mode="json", exclude={"metrics", "learning_curve"})},
    )


def with_goods(inputs: ReportInputs, store: Path, pictures: Path | None, settings: ImageSettings) -> ReportInputs:
    """The same with all features of a store, and with pictures for the contact sheet.

    Args:
        inputs: What the page shows already.
        store: Folder written by `shopkeeper features`.
        pictures: Folder of the files that the catalog names, or None.
        settings: Column of the catalog.

    Raises:
        ArtifactError: There is no feature, or one is damaged.
        DataError: The catalog names no pictures though a folder of them is given.
    """
    names = FeatureStore(store).names()
    if not names:
        raise ArtifactError(f"{store} has no feature", remedy="build one: shopkeeper features DATASET --text minilm")
    names.sort(key=lambda name: (not name.startswith("text"), not name.startswith("image"), name))
    dataset = inputs.dataset
    features = [FeatureStore(store).open(name).aligned(dataset.items) for name in names]
    if pictures is None or dataset.catalog is None:
        return replace(inputs, features=features)
    source = image_source(dataset.catalog.aligned(dataset.items), pictures, settings)
    return replace(inputs, features=features, pictures=source)


def event_curves(
    leaderboard: Leaderboard,
    fits: Sequence[Fit],
    parts: Split,
    settings: EvaluationSettings,
    part: Part = "test",
    progress: Progress | None = None,
) -> list[MetricRow]:
    """The best models, asked again with histories cut short.

    Args:
        leaderboard: Says which are best.
        fits: The models.
        parts: The split that they were fitted on.
        settings: What to measure.
        part: Which part asks.
        progress: Told how far it is.
    """
    reached = [entry.evaluation for entry in leaderboard.entries]
    keys = [key for key in reached[0].per_shopper if key[0] in METRICS]
    if not keys:
        return []
    leading = next((key for key in keys if key == ("ndcg", 10)), keys[0])
    holdout = parts.validation if part == "validation" else parts.test
    models = {fit.label: fit.recommender for fit in fits}
    return [
        row
        for one in sorted(reached, key=lambda evaluation: -evaluation.value(*leading))[:CURVES]
        for row in event_curve(
            models[one.model], holdout, settings, part=part, name=one.model, train=parts.train, progress=progress
        )
    ]


def _semantic_ids(fits: Sequence[Fit]) -> dict[str, SemanticIds]:
    """The ids of generative models, by name."""
    with_ids = ((fit.label, getattr(fit.recommender, "ids", None)) for fit in fits)
    return {name: ids for name, ids in with_ids if isinstance(ids, SemanticIds)}


def _learning_curve(card: Card, fits: Sequence[Fit]) -> Sequence[Mapping[str, float | None]]:
    """The curve of the card's model; that of another model trained in this run where it has none."""
    curves = [card.learning_curve, *(learning_curve(fit.recommender) for fit in fits)]
    return next((curve for curve in curves if curve), [])


def read_validation(file: Path) -> dict[str, Any]:
    """Reads the JSON of `shopkeeper validate`.

    Raises:
        DataError: It cannot be read.
    """
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(
            f"cannot read {file}", expected="the JSON that `shopkeeper validate --json` wrote", got=str(error)
        ) from error
    return found

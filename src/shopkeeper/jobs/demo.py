"""The whole line as one job: from a log to a bundle, a leaderboard and a report in one folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from shopkeeper.artifacts import write_text_atomic
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.events import Events, EventsSettings
from shopkeeper.data.prepare import prepare
from shopkeeper.data.schema import EventType
from shopkeeper.data.split import split
from shopkeeper.data.validation.report import ValidationReport
from shopkeeper.data.validation.validate import validate
from shopkeeper.evaluation.contest import Fit, measure
from shopkeeper.evaluation.cost import Cost
from shopkeeper.evaluation.leaderboard import Leaderboard
from shopkeeper.evaluation.report.page import write_report
from shopkeeper.jobs.contest import best_on_validation, fit_models
from shopkeeper.jobs.grocery import grocery_tables
from shopkeeper.jobs.pipelines import pipeline_of
from shopkeeper.jobs.report import event_curves, report_inputs
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.jobs.train import Trial, bundle_of
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.progress import Progress
from shopkeeper.recommenders.recommendations import Recommendations

DEMO_SETTINGS: Final = Path(__file__).with_name("demo.toml")
"""Settings for the grocery purchases on a laptop's processor."""
MODELS: Final = (
    "MostPopular", "RecentlyViewed", "PersonalFrequency", "Transitions", "ItemKNN", "EASE", "ALS", "BPR", "SASRec",
)  # fmt: skip
TOGETHER: Final = 3
"""Models, the best ones on the validation part, that the pipeline may blend."""
SHOPPERS: Final = 3
"""Shoppers whose recommendations are shown."""


@dataclass(frozen=True)
class Demo:
    """What the line made.

    Attributes:
        folder: Holds dataset/, bundle/, validation.json, validation.html, leaderboard.json and report.html.
        validation: Findings on the log.
        dataset: The prepared log.
        leaderboard: All models on the test part.
        skipped: One line for each model that does not fit this log.
        bundle: A pipeline of the models that were best on the validation part.
        shoppers: Its answers for some shoppers.
    """

    folder: Path
    validation: ValidationReport
    dataset: Dataset
    leaderboard: Leaderboard
    skipped: Sequence[str]
    bundle: Bundle
    shoppers: Recommendations


def grocery_inputs() -> tuple[Events, Catalog]:
    """The purchases of 2,469 households and the products.

    Raises:
        MissingDependencyError: The package with the data is not installed.
    """
    events, products = grocery_tables()
    return Events.read(events, EventsSettings(event_type=EventType.PURCHASE)), Catalog.read(products)


def run_demo(
    events: Events,
    catalog: Catalog | None,
    settings: ShopSettings,
    models: Sequence[str],
    folder: Path,
    progress: Progress | None = None,
    command: str = "",
    refit: bool = False,
) -> Demo:
    """Validates, prepares, trains, evaluates, recommends, reports and bundles.

    Args:
        events: The log.
        catalog: What is known of the items.
        settings: Settings of every step.
        models: Names of recommenders.
        folder: Where everything goes.
        progress: Told how far it is.
        command: What was typed, for the report.
        refit: Fit what the bundle serves once more, on the whole log; all figures are those of the first fit.

    Raises:
        DataError: The log does not suffice for the line.
    """
    findings = validate(events, catalog, settings.validation)
    write_text_atomic(folder / "validation.json", json.dumps(findings.to_json(), indent=2, ensure_ascii=False) + "\n")
    write_text_atomic(folder / "validation.html", findings.to_html())
    dataset = prepare(events, catalog, settings.prepare, folder / "dataset", progress)
    parts = split(dataset, settings.prepare.split)
    fits, skipped = fit_models(models, parts, settings, progress)
    best = best_on_validation(fits, parts, settings)[:TOGETHER]
    pipeline = pipeline_of([one.recommender for one in best], parts, settings)
    cost = Cost(sum(one.cost.seconds for one in best), max(one.cost.peak_megabytes or 0.0 for one in best))
    served = Fit(pipeline, cost, settings.training.seed)
    board = measure([*fits, served], parts, settings.evaluation, progress)
    board.save(folder / "leaderboard.json")
    evaluations = [entry.evaluation for entry in board.entries if entry.name in (pipeline.name, pipeline.primary.name)]
    bundle = bundle_of(Trial(pipeline, parts, evaluations, cost.seconds), dataset, settings, refit, progress)
    bundle.save(folder / "bundle")
    curve = event_curves(board, [*fits, served], parts, settings.evaluation, progress=progress)
    inputs = report_inputs(dataset, parts, board, fits, bundle.card, findings.to_json(), command, curve)
    write_report(inputs, folder / "report.html")
    answers = _answers(bundle.pipeline, dataset, settings.training.seed)
    return Demo(folder, findings, dataset, board, skipped, bundle, answers)


def _answers(pipeline: Pipeline, dataset: Dataset, seed: int) -> Recommendations:
    """Recommendations for a few shoppers of at least five events, drawn by seed."""
    enough = np.flatnonzero(dataset.histories.lengths >= 5)
    pool = enough if len(enough) else np.arange(dataset.n_users)
    drawn = np.random.default_rng(seed).choice(pool, min(SHOPPERS, len(pool)), replace=False)
    return pipeline.recommend(dataset.users.ids(drawn + 1), k=10, explain=True)

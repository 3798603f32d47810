"""What the order of a list is worth: by a sequence model alone, by the chance of a purchase, by what that is worth.

    python benchmarks/expected_value.py --data FOLDER --model SASRec --predictor GradientBoosting --json OUT

FOLDER holds `online_retail.parquet` (UCI Online Retail). The log is split in time; the sequence model and the predictor
learn from the training part. The candidates of the model are put in the order of the predictor, with features as of the
end of what is known. Each order stands there alone (`strength` 1) and mixed with the scores of the model, as is best on
validation: by NDCG@10 where chances decide, by revenue@10 where values do. The test part is asked once.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.figures import versions
from shopkeeper.artifacts import file_hash, write_text_atomic
from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.cutoffs import cutoffs_of
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.events import Events, EventsSettings
from shopkeeper.data.holdout import Split
from shopkeeper.data.prepare import PrepareSettings, prepare
from shopkeeper.data.split import split
from shopkeeper.evaluation.compare import Comparison, compare
from shopkeeper.evaluation.evaluate import Evaluation, evaluate
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.evaluation.table import table
from shopkeeper.pipeline.expected_value import Ranking
from shopkeeper.pipeline.expected_value_fit import fit_purchases
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.pipeline.settings import PipelineSettings, RankingSettings
from shopkeeper.predictors.base import Predictor
from shopkeeper.recommenders.registry import recommender_class
from shopkeeper.training.settings import TrainingSettings

FILE = "online_retail.parquet"
READ: dict[str, Any] = {
    "columns": {
        "user_id": "CustomerID", "item_id": "StockCode", "timestamp": "InvoiceDate", "session_id": "InvoiceNo",
        "quantity": "Quantity", "price": "UnitPrice",
    },
    "item_columns": {"title": "Description"}, "event_type": "purchase",
}  # fmt: skip
STRENGTHS = (0.1, 0.25, 0.5, 0.75, 1.0)
METRICS = ("ndcg", "revenue", "recall")
CHOOSING = EvaluationSettings(ks=(10,), metrics=METRICS, n_bootstrap=0, segments=False)
REPORTING = EvaluationSettings(ks=(10,), metrics=METRICS, segments=False)


@dataclass(frozen=True)
class Order:
    """One way to order the candidates."""

    name: str
    by: Literal["score", "probability", "expected_value"] = "score"
    worth: str = "price"

    @property
    def goal(self) -> str:
        """What the mixture is chosen by."""
        return "revenue" if self.by == "expected_value" else "ndcg"

    def settings(self, strength: float, options: argparse.Namespace) -> RankingSettings:
        """As the pipeline takes it."""
        return RankingSettings(
            by=self.by, worth=self.worth, strength=strength, predictor=options.predictor, days=options.days
        )


ORDERS = (
    Order("p", "probability"),
    Order("p x price", "expected_value"),
    Order("p x amount", "expected_value", "amount"),
)


def main(arguments: list[str] | None = None) -> None:
    """Fits both models, chooses the mixtures on validation, asks the test once, prints and writes the record."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        log = _log(options.data, Path(work) / "log")
        parts = split(log)
        started = time.monotonic()
        cls = recommender_class(options.model)
        training = TrainingSettings(epochs=options.epochs, device="cpu")
        model = cls().fit(parts.train, parts.validation, training)
        fitted = time.monotonic()
        pipeline = Pipeline.of_fitted([model], PipelineSettings(category_factor=1, brand_factor=1))
        predictor = fit_purchases(parts.train, RankingSettings(predictor=options.predictor, days=options.days))
        seconds = {"model": fitted - started, "predictor": time.monotonic() - fitted}
        chosen, tried = _choose(pipeline, predictor, parts, options)
        pipeline.ranking = None
        until = cutoffs_of(log, parts.settings).validation_until
        pipeline.remember(log.select(np.asarray(log.histories.timestamp) < until))
        rows = _test(pipeline, predictor, parts, chosen, options)
        compared = [one for row in rows[1:] for one in compare(row, rows[0])]
        compared += [one for group in (rows[1:4], rows[4:]) for row in group[1:] for one in compare(row, group[0])]
        print(to_text(rows, compared))
        if options.json:
            write_text_atomic(options.json, _to_json(options, log, parts, seconds, tried, rows, compared))


def _log(folder: Path, work: Path) -> Dataset:
    log = Events.read(folder / FILE, build(EventsSettings, READ))
    return prepare(log, Catalog.from_events(log), PrepareSettings(), work)


def _ranked(pipeline: Pipeline, predictor: Predictor, settings: RankingSettings) -> None:
    pipeline.ranking = (
        None if settings.by == "score" else Ranking(predictor, settings, pipeline.memory, pipeline.train.users)
    )


def _choose(
    pipeline: Pipeline, predictor: Predictor, parts: Split, options: argparse.Namespace
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """The strength of each order that is best on validation, and all that was tried."""
    chosen, tried = {}, []
    for order in ORDERS:
        reached = []
        for strength in STRENGTHS:
            _ranked(pipeline, predictor, order.settings(strength, options))
            found = evaluate(pipeline, parts.validation, CHOOSING, part="validation")
            values = {f"{metric}@10": found.value(metric, 10) for metric in METRICS}
            tried.append({"order": order.name, "strength": strength, **values})
            reached.append(values[f"{order.goal}@10"])
            print(f"  {order.name} {strength:g}: {values}", file=sys.stderr, flush=True)
        chosen[order.name] = STRENGTHS[int(np.argmax(reached))]
    return chosen, tried


def _test(
    pipeline: Pipeline, predictor: Predictor, parts: Split, chosen: dict[str, float], options: argparse.Namespace
) -> list[Evaluation]:
    """The model alone, each order alone, and each mixed with the scores where that was better."""
    rows = [evaluate(pipeline, parts.test, REPORTING, name=f"{options.model} alone")]
    for order in ORDERS:
        _ranked(pipeline, predictor, order.settings(1.0, options))
        rows.append(evaluate(pipeline, parts.test, REPORTING, name=order.name))
    for order in ORDERS:
        if chosen[order.name] < 1:
            _ranked(pipeline, predictor, order.settings(chosen[order.name], options))
            rows.append(evaluate(pipeline, parts.test, REPORTING, name=f"{order.name}, {chosen[order.name]:g} of it"))
    return rows


def to_text(rows: list[Evaluation], compared: list[Comparison]) -> str:
    """Figures with intervals, and the paired differences below."""
    head = ["order of the candidates", *(f"{metric}@10" for metric in METRICS)]
    body = [[one.model, *(_figure(one, metric) for metric in METRICS)] for one in rows]
    said = [
        f"{one.a} - {one.b}: {one.metric}@10 {one.difference:+.4g} [{one.low:+.4g}, {one.high:+.4g}]"
        for one in compared
        if one.metric in METRICS[:2]
    ]
    return "\n".join([f"{rows[0].n_users:,} shoppers of the test part", table(head, body), *said])


def _figure(one: Evaluation, metric: str) -> str:
    row = next(row for row in one.rows if row.metric == metric and row.k == 10 and row.group == "all")
    return f"{row.value:.4g} [{row.low:.4g}, {row.high:.4g}]"


def _to_json(
    options: argparse.Namespace, log: Dataset, parts: Split, seconds: dict[str, float], tried: list[dict[str, Any]],
    rows: list[Evaluation], compared: list[Comparison],
) -> str:  # fmt: skip
    name = options.data.resolve().name
    flags = ["--data", name, "--model", options.model, "--epochs", str(options.epochs),
             "--predictor", options.predictor, "--days", f"{options.days:g}"]  # fmt: skip
    content = {
        "command": shlex.join(["python", "benchmarks/expected_value.py", *flags]),
        "data": {
            "name": name, "sha256": {FILE: file_hash(options.data / FILE)},
            "users": log.n_users, "items": log.n_items, "events": log.n_events,
            "train_events": parts.train.n_events, "asked": rows[0].n_users,
        },
        "versions": versions(),
        "fit_seconds": seconds,
        "validation": tried,
        "test": [row.to_json() for one in rows for row in one.rows if row.group == "all"],
        "paired_differences": [one.to_json() for one in compared],
    }  # fmt: skip
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help=f"folder with {FILE}")
    parser.add_argument("--model", default="SASRec", help="recommender that gives the candidates")
    parser.add_argument("--epochs", type=int, default=8, help="epochs of a network")
    parser.add_argument("--predictor", default="GradientBoosting", help="predictor of purchases")
    parser.add_argument("--days", type=float, default=30.0, help="how soon a purchase counts")
    parser.add_argument("--json", type=Path, help="write the record here")
    return parser


if __name__ == "__main__":
    main()

"""Tables and records of the sequential benchmark: our figures, those of others below them, and all of it as JSON."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import versions
from shopkeeper.artifacts import file_hash
from shopkeeper.data.dataset import Dataset
from shopkeeper.evaluation.compare import Comparison
from shopkeeper.evaluation.cost import Cost
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.evaluation.table import table
from shopkeeper.training.settings import TrainingSettings

CHOOSING = EvaluationSettings(ks=(10,), metrics=("ndcg",), n_bootstrap=0, hide_seen=True, segments=False)
REPORTING = EvaluationSettings(ks=(5, 10, 20), metrics=("recall", "ndcg"), hide_seen=True, segments=False)
COMPARED = 10
"""Length of the list for which rows are compared shopper by shopper."""
COLUMNS = tuple((metric, k) for k in REPORTING.ks for metric in REPORTING.metrics)

PUBLISHED = Path(__file__).parent / "published" / "sequential.json"
"""Figures of others, printed below ours on the data set that they belong to."""


@dataclass(frozen=True)
class Result:
    """One model under one protocol."""

    model: str
    protocol: str
    config: dict[str, Any]
    trials: list[dict[str, Any]]
    """Every setting tried, with its NDCG@10 on validation."""
    search_seconds: float
    fitting: Cost
    scoring: Cost
    megabytes: float
    seeds: tuple[int, ...]
    figures: dict[str, dict[str, float]]
    """For each metric@k: value (mean over seeds), low and high (95 % over shoppers), std (over seeds)."""


def in_words(one: Comparison) -> str:
    """A difference in one line."""
    return f"{one.a} - {one.b}: {one.metric}@{one.k} {one.difference:+.4f} [{one.low:+.4f}, {one.high:+.4f}]"


def published(log: Dataset, protocol: str) -> list[list[str]]:
    """Rows of figures of others for this data set and protocol, as cells of the table."""
    content = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    size = {"users": log.n_users, "items": log.n_items, "events": log.n_events}
    found = [row for data in content if data["size"] == size for row in data["rows"] if row["protocol"] == protocol]
    figures = [[row["figures"].get(f"{metric}@{k}") for metric, k in COLUMNS] for row in found]
    return [
        [
            f"{row['model']} ({row['source']})",
            *("-" if value is None else f"{value:.4f}" for value in values),
            *["-"] * 6,
        ]
        for row, values in zip(found, figures, strict=True)
    ]


def to_text(protocol: str, facts: dict[str, Any], results: list[Result], others: list[list[str]]) -> str:
    """The table of one protocol, figures of others below ours."""
    head = ["model", *(f"{metric[0].upper()}@{k}" for metric, k in COLUMNS)]
    head += ["R@10 95 %", "N@10 95 %", "fit s", "score s", "MB", "seeds"]
    body = [_cells(result) for result in results if result.protocol == protocol]
    leak = " (LEAKS THE FUTURE)" if facts["leaks_future"] else ""
    return (
        f"\n{protocol}{leak}: {facts['test_users']:,} shoppers, full ranking of {facts['train_items']:,} items, seen "
        f"items hidden, {facts['unseen_target_share']:.1%} of the targets unseen by training\n"
        + table(head, body + others)
    )


def _cells(result: Result) -> list[str]:
    figures = result.figures
    return [
        result.model,
        *(f"{figures[f'{metric}@{k}']['value']:.4f}" for metric, k in COLUMNS),
        *(f"{figures[key]['low']:.4f}-{figures[key]['high']:.4f}" for key in ("recall@10", "ndcg@10")),
        *(f"{value:.1f}" for value in (result.fitting.seconds, result.scoring.seconds, result.megabytes)),
        str(len(result.seeds)),
    ]


def record(script: str, folder: Path, flags: Sequence[str], log: Dataset) -> dict[str, Any]:
    """What every record begins with: the command, the data with their hashes, and what ran; of paths the last name."""
    name = folder.resolve().name
    files = [folder / file for file in ("catalog.parquet", "events.parquet", "sequences.txt")]
    return {
        "command": shlex.join(["python", f"benchmarks/{script}", "--data", name, *flags]),
        "data": {
            "name": name,
            "sha256": {file.name: file_hash(file) for file in files if file.exists()},
            "users": log.n_users, "items": log.n_items, "events": log.n_events,
        },
        "versions": versions(),
    }  # fmt: skip


def to_json(
    options: argparse.Namespace,
    log: Dataset,
    facts: dict[str, Any],
    results: list[Result],
    training: TrainingSettings,
    compared: list[dict[str, Any]],
) -> str:
    """Everything that is needed to run it again and to compare; of paths only the last name."""
    flags = ["--models", options.models, "--protocols", options.protocols, "--seeds", str(options.seeds)]
    flags += ["--minutes", f"{options.minutes:g}", *(part for change in options.set for part in ("--set", change))]
    flags += [part for word in options.start for part in ("--start", word)]
    content = record("sequential.py", options.data, flags, log) | {
        "protocols": facts,
        "training": training.model_dump(mode="json"),
        "results": [asdict(result) for result in results],
        "paired_differences": compared,
    }  # fmt: skip
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

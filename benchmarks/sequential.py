"""Sequential recommendation on public data sets, by the protocol of the published tables and by an honest one.

    python benchmarks/sequential.py --data FOLDER --models popular,transitions,sasrec --seeds 5 --json OUT

FOLDER holds `sequences.txt` (a line a shopper: `user item item ...`, oldest first) and perhaps `events.parquet` (the
same events with `timestamp` in seconds) and `catalog.parquet`. Three protocols: leave-one-out in the order of the file
(what papers print), the same with the order within a day shuffled (files order same-day events in ways that give
targets away), and a global time split (the only one that does not look into the future). Always the full catalog is
ranked, items already seen are hidden, everything is chosen on validation (NDCG@10), and the test is run once for each
seed.
"""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import sys
import time
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.artifacts import file_hash, write_text_atomic
from shopkeeper.config import build, load_settings
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Split
from shopkeeper.data.schema import EventType
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.evaluation.bootstrap import intervals
from shopkeeper.evaluation.cost import Cost, measured
from shopkeeper.evaluation.evaluate import Evaluation, evaluate
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.evaluation.table import table
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.registry import recommender_class
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Int64Array

PROTOCOLS = ("leave_one_out", "same_day_shuffled", "global_time")
LIBRARIES = ("shopkeeper", "numpy", "scipy", "torch", "implicit")
CLASSES = {"popular": "MostPopular"}
SEEDED = frozenset({"als", "bpr", "sasrec"})
"""Models that start from random numbers: they run with every seed."""

GRIDS: dict[str, dict[str, list[Any]]] = {
    "transitions": {
        "window": [20, 10, 50],
        "distance_decay": [0.8, 0.6, 1.0],
        "history_decay": [0.6, 0.5, 0.7, 0.9],
        "source_power": [0.2, 0.0, 0.4, 0.8],
        "backward": [0.0, 0.25, 1.0],
        "target_power": [0.1, 0.0, 0.2],
    },
    "item_knn": {
        "weighting": ["tfidf", "none", "bm25"],
        "history_decay": [0.6, 0.8, 1.0],
        "shrinkage": [20.0, 0.0, 5.0],
        "neighbors": [300, 100, 1000],
        "asymmetry": [0.5, 0.3, 0.7],
    },
    "ease": {"precision": ["float32"], "regularization": [100.0, 200.0, 50.0], "history_decay": [0.6, 0.8, 1.0]},
    "als": {
        "factors": [256, 128],
        "history_decay": [0.3, 0.6, 1.0],
        "regularization": [10.0, 1.0],
        "alpha": [20.0, 5.0, 50.0],
    },
    "bpr": {
        "factors": [128, 64],
        "fold_in": [True, False],
        "history_decay": [0.4, 0.7, 1.0],
        "learning_rate": [0.05, 0.1],
        "iterations": [150, 300],
        "regularization": [0.003, 0.001],
    },
    "sasrec": {},
}
"""Values tried for each setting, one setting after the other, the first value being where the search starts."""

CHOOSING = EvaluationSettings(ks=(10,), metrics=("ndcg",), n_bootstrap=0, hide_seen=True, segments=False)
REPORTING = EvaluationSettings(ks=(5, 10, 20), metrics=("recall", "ndcg"), hide_seen=True, segments=False)
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


def main(arguments: list[str] | None = None) -> None:
    """Parses the command line, runs every protocol that the folder allows, prints and writes the results."""
    options = _parser().parse_args(arguments)
    training = load_settings(TrainingSettings, None, options.set)
    log, has_times = load(options.data)
    print(f"{log.n_users:,} shoppers, {log.n_items:,} items, {log.n_events:,} events", file=sys.stderr)
    names, protocols = options.models.split(","), options.protocols.split(",")
    if not has_times:
        protocols = [protocol for protocol in protocols if protocol == "leave_one_out"]
        print("only leave_one_out: there is no events.parquet with timestamps", file=sys.stderr)
    ends = time.monotonic() + 60 * options.minutes
    results: list[Result] = []
    facts: dict[str, Any] = {}
    for protocol in protocols:
        parts = make_split(log, protocol)
        facts[protocol] = describe(parts)
        for name in names:
            left = len(protocols) * len(names) - len(results)
            deadline = time.monotonic() + (ends - time.monotonic()) / left
            results.append(run(name, protocol, parts, options.seeds, training, deadline))
        print(to_text(protocol, facts[protocol], results, published(log, protocol)), flush=True)
    if options.json:
        write_text_atomic(options.json, to_json(options, log, facts, results, training))


def load(folder: Path) -> tuple[Dataset, bool]:
    """Reads a folder; without times events are a second apart. Also tells whether times are known."""
    file = folder / "sequences.txt"
    if not file.exists():
        raise DataError(f"there is no {file.name} in the folder", expected="lines `user item item ...`, oldest first")
    rows: list[Int64Array] = [
        np.array(line.split(), dtype=np.int64) for line in file.read_text(encoding="utf-8").splitlines() if line
    ]
    rows.sort(key=lambda row: int(row[0]))
    items = Vocabulary(np.unique(np.concatenate([row[1:] for row in rows])))
    histories = Histories.of_items([items.indices(row[1:]) for row in rows], EventType.PURCHASE)
    events = folder / "events.parquet"
    if events.exists():
        histories = replace(histories, timestamp=_times(events, rows))
    return Dataset(
        Vocabulary([int(row[0]) for row in rows]), items, histories, catalog=_catalog(folder)
    ), events.exists()


def _times(file: Path, rows: list[Int64Array]) -> Int64Array:
    """Microseconds of every event; an unknown time is that of the shopper's event before it, or else after it."""
    import pyarrow.parquet as pq

    events = pq.read_table(file, columns=["user_id", "item_id", "timestamp", "position"])
    user, item, position = (events.column(name).to_numpy() for name in ("user_id", "item_id", "position"))
    order = np.lexsort((position, user))
    expected = np.concatenate([np.stack([np.full(len(row) - 1, row[0]), row[1:]], axis=1) for row in rows])
    if not np.array_equal(np.stack([user[order], item[order]], axis=1), expected):
        raise DataError("events.parquet and sequences.txt differ", expected="the same events in the same order")
    seconds = events.column("timestamp").cast("float64").to_numpy()[order]
    known, place = ~np.isnan(seconds), np.arange(len(seconds))
    before = np.maximum.accumulate(np.where(known, place, -1))
    after = np.minimum.accumulate(np.where(known, place, len(seconds))[::-1])[::-1]
    of_shopper = before >= np.searchsorted(user[order], user[order])
    source = np.where(of_shopper | (after == len(seconds)), before, after)
    times: Int64Array = (seconds[source] * 1e6).astype(np.int64)
    return times


def _catalog(folder: Path) -> Catalog | None:
    import pyarrow.parquet as pq

    file = folder / "catalog.parquet"
    return Catalog(pq.read_table(file)) if file.exists() else None


def make_split(log: Dataset, protocol: str) -> Split:
    """The parts of one protocol; the shuffle within a day is the same for all models and seeds.

    In the order of the file rows of one day follow each other by a microsecond, since that protocol takes the order of
    the file for the order of events; under the others they share a time.
    """
    if protocol == "leave_one_out":
        histories = log.histories
        place = np.arange(histories.n_events) - np.asarray(histories.offsets)[histories.rows]
        log = replace(log, histories=replace(histories, timestamp=histories.timestamp + place))
    if protocol == "same_day_shuffled":
        histories = log.histories
        noise = np.random.default_rng(0).random(histories.n_events)
        order = np.lexsort((noise, histories.timestamp, histories.rows))
        log = replace(log, histories=replace(histories, item_index=histories.item_index[order]))
    return split(log, SplitSettings(kind="global_time" if protocol == "global_time" else "leave_one_out"))


def describe(parts: Split) -> dict[str, Any]:
    """Sizes of the parts, and what the reader must know of them."""
    targets = parts.test.targets
    return {
        "split": parts.settings.model_dump(mode="json"),
        "leaks_future": parts.leaks_future,
        "train_events": parts.train.n_events,
        "train_items": parts.train.n_items,
        "validation_users": len(parts.validation),
        "test_users": len(parts.test),
        "test_targets": targets.n_events,
        "unseen_target_share": float(np.mean(targets.item_index == 0)) if targets.n_events else 0.0,
        "train_hash": parts.train.data_hash,
        **parts.facts,
    }


def run(name: str, protocol: str, parts: Split, n_seeds: int, training: TrainingSettings, deadline: float) -> Result:
    """Chooses settings on validation with the first seed, then asks the test once for each seed."""
    started = time.monotonic()
    best, trials = choose(name, parts, training, deadline)
    search_seconds = time.monotonic() - started
    seeds = range(training.seed, training.seed + (n_seeds if name in SEEDED else 1))
    tests = []
    for seed in seeds:
        model = best.model if seed == training.seed else _fit(name, best.config, parts, training.replace(seed=seed))[0]
        tests.append(evaluate(model, parts.test, REPORTING, part="test", name=name))
    result = Result(
        name, protocol, best.model.config.model_dump(mode="json"), trials, search_seconds, best.fitting,
        tests[0].scoring, tests[0].model_megabytes, tuple(seeds), _figures(tests),
    )  # fmt: skip
    print(f"{protocol}: {name} reached R@10 {result.figures['recall@10']['value']:.4f} on test", file=sys.stderr)
    return result


@dataclass(frozen=True)
class Trial:
    """A fitted model and what it reached on validation."""

    config: dict[str, Any]
    model: Recommender
    fitting: Cost
    ndcg: float


def choose(name: str, parts: Split, training: TrainingSettings, deadline: float) -> tuple[Trial, list[dict[str, Any]]]:
    """The best settings on validation: one setting after the other, on top of the best so far, until the deadline."""
    trials: list[dict[str, Any]] = []

    def attempt(config: dict[str, Any]) -> Trial:
        model, fitting = _fit(name, config, parts, training)
        ndcg = evaluate(model, parts.validation, CHOOSING, part="validation").value("ndcg", 10)
        trials.append({"config": config, "validation_ndcg@10": ndcg, "fit_seconds": fitting.seconds})
        print(f"  {name} {config}: validation NDCG@10 {ndcg:.4f} ({fitting.seconds:.1f} s)", file=sys.stderr)
        return Trial(config, model, fitting, ndcg)

    best = attempt({})
    for field, values in GRIDS.get(name, {}).items():
        base = best.config
        for value in values[1:]:
            if time.monotonic() > deadline:
                return best, trials
            best = max(best, attempt({**base, field: value}), key=lambda trial: trial.ndcg)
    return best, trials


def _fit(name: str, config: dict[str, Any], parts: Split, training: TrainingSettings) -> tuple[Recommender, Cost]:
    model_class = recommender_class(CLASSES.get(name, name))
    start = {field: values[0] for field, values in GRIDS.get(name, {}).items()}
    model = model_class(build(model_class.Config, {**start, **config}))
    with measured() as cost:
        model.fit(parts.train, parts.validation, training)
    return model, cost


def _figures(tests: list[Evaluation]) -> dict[str, dict[str, float]]:
    """Means over seeds; the interval is that of the shoppers' means over seeds."""
    figures = {}
    for key in COLUMNS:
        by_seed = np.stack([test.per_shopper[key] for test in tests])
        low, high = intervals(by_seed.mean(axis=0)[:, None], REPORTING.n_bootstrap, REPORTING.seed)
        means = by_seed.mean(axis=1, dtype=np.float64)
        std = float(means.std(ddof=1)) if len(means) > 1 else 0.0
        figures[f"{key[0]}@{key[1]}"] = {
            "value": float(means.mean()), "low": float(low[0]), "high": float(high[0]), "std": std,
        }  # fmt: skip
    return figures


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


def to_json(
    options: argparse.Namespace, log: Dataset, facts: dict[str, Any], results: list[Result], training: TrainingSettings
) -> str:
    """Everything that is needed to run it again and to compare; of paths only the last name."""
    files = sorted(options.data / name for name in ("sequences.txt", "events.parquet", "catalog.parquet"))
    flags = ["--models", options.models, "--protocols", options.protocols, "--seeds", str(options.seeds)]
    flags += ["--minutes", f"{options.minutes:g}", *(part for change in options.set for part in ("--set", change))]
    content = {
        "command": shlex.join(["python", "benchmarks/sequential.py", "--data", options.data.resolve().name, *flags]),
        "data": {
            "name": options.data.resolve().name,
            "sha256": {file.name: file_hash(file) for file in files if file.exists()},
            "users": log.n_users, "items": log.n_items, "events": log.n_events,
        },
        "protocols": facts,
        "training": training.model_dump(mode="json"),
        "versions": {name: version(name) for name in LIBRARIES if find_spec(name)}
        | {"python": platform.python_version(), "machine": platform.machine()},
        "results": [asdict(result) for result in results],
    }  # fmt: skip
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with sequences.txt")
    parser.add_argument("--models", default="popular,transitions,item_knn,ease,als,bpr,sasrec", help="by comma")
    parser.add_argument("--protocols", default=",".join(PROTOCOLS), help="by comma")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each model that starts from random numbers")
    parser.add_argument("--minutes", type=float, default=60.0, help="for choosing settings, all models together")
    parser.add_argument("--set", action="append", default=[], help="a training setting, for example epochs=40")
    parser.add_argument("--json", type=Path, help="where to write the results")
    return parser


if __name__ == "__main__":
    main()

"""Are the reasons of predictors true? The strongest evidence is removed, and as much drawn at random.

    python benchmarks/faithfulness.py --data FOLDER --models GradientBoosting,LogisticRegression --json OUT

FOLDER holds `events.csv` and `test_purchase.csv` of RetailRocket, as `held_out_purchases.py` says; only the events are
read. Purchases within 7 days are predicted for pairs of shoppers and items: fitted on the first 70 % of the time,
calibrated on the next 15 %, reasons checked on the last 15 %: on all pairs that were bought and as many that were not.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.figures import versions
from benchmarks.held_out_purchases import EVENTS, load
from shopkeeper.artifacts import file_hash, write_text_atomic
from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.make import make_examples
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.point_in_time.features import with_features
from shopkeeper.data.point_in_time.log import Log
from shopkeeper.evaluation.faithfulness import Faithfulness, faithfulness
from shopkeeper.evaluation.table import table
from shopkeeper.metrics.classification import auc
from shopkeeper.predictors.registry import predictor_class

SHARES = (0.7, 0.85)
"""Of the time until training ends, and until validation ends."""
KS = (1, 3, 5)


def main(arguments: list[str] | None = None) -> None:
    """Fits each model, checks its reasons, prints the table and writes the record."""
    options = _parser().parse_args(arguments)
    log = load(options.data)[0].train
    settings = ExampleSettings(target="purchase", days=options.days)
    train, validation, test = _parts(log, settings)
    checked = _balanced(test, options.most)
    results = []
    for name in options.models.split(","):
        cls = predictor_class(name)
        started = time.monotonic()
        model = cls(build(cls.Config, {"calibration": "platt"})).fit(train, validation)
        seconds = time.monotonic() - started
        reached = auc(test.label, model.predict_proba(test), test.weight)
        found = faithfulness(model, checked, KS)
        results.append({
            "model": cls.__name__, "fit_seconds": seconds, "auc": reached, "checks": [one.to_json() for one in found],
        })  # fmt: skip
        print(to_text(found, reached), flush=True)
        if options.json:
            write_text_atomic(options.json, _to_json(options, log, checked, results))


def _parts(log: Dataset, settings: ExampleSettings) -> tuple[Examples, Examples, Examples]:
    """Examples of training, validation and test, with features."""
    time_ = log.histories.timestamp
    first, last = int(time_.min()), int(time_.max())
    one, two = (int(first + share * (last - first)) for share in SHARES)
    prepared = Log(log)
    spans = ((None, one), (one, two), (two, None))
    parts = [with_features(prepared, make_examples(log, settings, start, until)) for start, until in spans]
    return parts[0], parts[1], parts[2]


def _balanced(test: Examples, most: int, seed: int = 0) -> Examples:
    """All pairs with the target, at most so many, and as many without."""
    rng = np.random.default_rng(seed)
    with_, without = np.flatnonzero(test.label > 0), np.flatnonzero(test.label <= 0)
    n = min(most, len(with_), len(without))
    return test.take(
        np.sort(np.concatenate([rng.choice(with_, n, replace=False), rng.choice(without, n, replace=False)]))
    )


def to_text(found: list[Faithfulness], reached: float) -> str:
    """The figures of one model."""
    head = ["model", "removed", "strongest", "random", "difference, 95 %", "farther", "in the direction said", "pairs"]
    body = [
        [
            one.model, str(one.k), f"{one.top:.4f}", f"{one.random:.4f}",
            f"{one.difference:.4f} [{one.low:.4f}, {one.high:.4f}]", f"{one.share:.1%}", f"{one.direction:.1%}",
            f"{one.n:,}",
        ]
        for one in found
    ]  # fmt: skip
    return f"{table(head, body)}\nAUC {reached:.4f}\n"


def _to_json(options: argparse.Namespace, log: Dataset, checked: Examples, results: list[dict[str, Any]]) -> str:
    name = options.data.resolve().name
    flags = ["--data", name, "--models", options.models, "--days", f"{options.days:g}", "--most", str(options.most)]
    content = {
        "command": shlex.join(["python", "benchmarks/faithfulness.py", *flags]),
        "data": {
            "name": name, "sha256": {EVENTS: file_hash(options.data / EVENTS)},
            "users": log.n_users, "items": log.n_items, "events": log.n_events,
        },
        "versions": versions(),
        "pairs": {"bought": int(checked.label.sum()), "not bought": int((checked.label <= 0).sum())},
        "results": results,
    }  # fmt: skip
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with events.csv and test_purchase.csv")
    parser.add_argument("--models", default="GradientBoosting,LogisticRegression", help="names of predictors")
    parser.add_argument("--days", type=float, default=7.0, help="horizon")
    parser.add_argument("--most", type=int, default=1000, help="at most so many pairs of each kind are checked")
    parser.add_argument("--json", type=Path, help="write the record here")
    return parser


if __name__ == "__main__":
    main()

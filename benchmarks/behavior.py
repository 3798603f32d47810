"""What shoppers will do: all predictors on one log, split by time, each tuned alike, the test part asked once.

    python benchmarks/behavior.py --data RETAILROCKET --target purchase,cart,view --days 7 --minutes 30 --json OUT
    python benchmarks/behavior.py --data ONLINE_RETAIL --target purchase --given purchase --days 30 --customers 3
    python benchmarks/behavior.py --data ONLINE_RETAIL --target churn --days 90 --trials 5

FOLDER is one of `behavior_data.FILES`. Every target is a selection of its own as `shopkeeper select` makes it:
examples of three parts that lie one behind the other, negatives sampled and corrected for, settings and the choice by
validation, intervals and paired differences over resampled shoppers. With --customers the five strongest reasons of so
many shoppers of the test part are told in words: those of the highest, the median and the lowest prediction, and so on
between. The record holds everything; a search that is broken off goes on in the same --work folder.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.behavior_data import load
from benchmarks.figures import versions
from shopkeeper.artifacts import write_text_atomic
from shopkeeper.config import load_settings
from shopkeeper.data.cutoffs import moment_text
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.evaluation.behavior.compare import BehaviorComparison
from shopkeeper.evaluation.behavior.leaderboard import target_words
from shopkeeper.jobs.select import Selection, select
from shopkeeper.jobs.select_results import selection_json, write_selection
from shopkeeper.jobs.select_settings import BehaviorSettings
from shopkeeper.jobs.tune_goal import Budget
from shopkeeper.predictors.wording import sentences

SIMPLE = "LogisticRegression"
"""Every predictor is also compared with this one."""
LIBRARIES = ("scikit-learn", "lightgbm", "optuna")
OF_SEGMENTS = ("auc", "pr_auc", "sampled_calibration_error")
REASONS = 5


def main(arguments: list[str] | None = None) -> None:
    """Parses the command line, runs all targets, prints and writes the results."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work if options.work is not None else Path(temporary)
        targets = options.target.split(",")
        dataset, facts = load(options.data, work / "dataset", _settings(options, targets[0]))
        record: dict[str, Any] = {
            "command": _command(options),
            "data": facts,
            "versions": versions() | _more_versions(),
            "targets": {},
        }
        for target in targets:
            settings = _settings(options, target)
            found = select(dataset, settings, SplitSettings(), work / target, _budget(options))
            write_selection(found, work / target)
            people = customers(found, dataset, options.customers)
            _print(found, people)
            record["targets"][target_words(found.settings.examples)] = _short(_result(found, people))
            if options.json:  # what is done is kept, should a later target be broken off
                write_text_atomic(options.json, _text(record))


def _result(found: Selection, people: list[dict[str, Any]]) -> dict[str, Any]:
    """What the record says of one target: figures as value, low, high."""
    plain = selection_json(found)
    figures: dict[str, dict[str, list[Any]]] = {}
    segments: dict[str, dict[str, dict[str, Any]]] = {}
    for row in plain.pop("rows"):
        ends = [row["value"], row["low"], row["high"]]
        if row["group"] == "all":
            figures.setdefault(row["model"], {})[row["metric"]] = ends
        elif row["metric"] in OF_SEGMENTS:
            place = segments.setdefault(row["group"], {}).setdefault(
                row["segment"], {"examples": row["n_examples"], "positives": row["n_positives"]}
            )
            place.setdefault(row["model"], {})[row["metric"]] = ends
    beside = [row.to_json() for row in beside_simple(found)]
    return plain | {
        "figures": figures, "segments": segments, "beside_logistic_regression": beside, "customers": people,
    }  # fmt: skip


def _text(record: dict[str, Any]) -> str:
    """As JSON, lists of plain values in one line each."""
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
    return re.sub(r"\[[^\[\]{}]*\]", lambda found: " ".join(found.group().split()), text) + "\n"


def _short(value: Any) -> Any:
    """The same with six digits of each number with a fraction."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items()}
    return [_short(one) for one in value] if isinstance(value, list | tuple) else value


def beside_simple(found: Selection) -> list[BehaviorComparison]:
    """Every predictor beside logistic regression on the test part, paired; nothing where that did not compete."""
    names = [entry.name for entry in found.board.entries]
    metrics = list(dict.fromkeys(row.metric for row in found.comparisons))
    return found.board.comparisons(SIMPLE, metrics) if SIMPLE in names else []


def customers(found: Selection, dataset: Dataset, n: int) -> list[dict[str, Any]]:
    """Shoppers of the test part with the reasons of the chosen predictor, from the highest prediction to the lowest."""
    if n == 0:
        return []
    predictor, examples = found.kept[found.verdict.chosen].predictor, found.parts.test
    said = predictor.predict(examples)
    order = np.argsort(-said, kind="stable")
    order = order[np.sort(np.unique(examples.user_index[order], return_index=True)[1])]  # each shopper's highest
    places = order[np.unique(np.linspace(0, len(order) - 1, n).round().astype(np.int64))]
    asked = examples.take(places)
    reasons = predictor.explain(asked, 2 * REASONS)
    titles = _titles(dataset, asked.item_index)
    return [
        {
            "user_id": dataset.users.ids([asked.user_index[row]])[0], "item": titles[row],
            "at": moment_text(int(asked.timestamp[row])), "predicted": float(said[places[row]]),
            "came": float(asked.label[row]), "reasons": sentences(reasons[row])[:REASONS],
        }
        for row in range(len(asked))
    ]  # fmt: skip


def _titles(dataset: Dataset, items: Any) -> list[str | None]:
    """What to call items, None for none."""
    ids = [dataset.items.ids([item])[0] if item else None for item in items.tolist()]
    if dataset.catalog is None:
        return [None if one is None else str(one) for one in ids]
    known = dict(zip([one for one in ids if one is not None], dataset.catalog.titles(
        [one for one in ids if one is not None]), strict=True))  # fmt: skip
    return [None if one is None else known[one] or str(one) for one in ids]


def _print(found: Selection, people: list[dict[str, Any]]) -> None:
    print(f"\n{found.board.to_text()}\n")
    for row in [*found.comparisons, *(row for row in beside_simple(found) if found.verdict.chosen != SIMPLE)]:
        print(f"{row.a} - {row.b}: {row.metric} {row.difference:+.4g} [{row.low:+.4g}, {row.high:+.4g}]")
    for name, reason in found.left_out.items():
        print(f"{name} was left out: {reason}")
    print(*found.verdict.words, sep="\n")
    for one in people:
        print(f"\nshopper {one['user_id']}, {one['item'] or 'no item'}, {one['at'][:16]}: {one['predicted']:.3g}")
        print(*(f"  {words}" for words in one["reasons"]), sep="\n")


def _settings(options: argparse.Namespace, target: str) -> BehaviorSettings:
    changes = [f"examples.target={target}", f"examples.days={options.days:g}"]
    if options.given:
        changes.append(f"examples.given={options.given}")
    names = ", ".join(f'"{name}"' for name in options.models.split(",")) if options.models else ""
    return load_settings(BehaviorSettings, None, [*changes, f"models=[{names}]", *options.set])


def _budget(options: argparse.Namespace) -> Budget:
    return Budget(options.minutes, options.trials)


def _command(options: argparse.Namespace) -> str:
    """The command again; of paths the last name."""
    words = ["--data", options.data.resolve().name, "--target", options.target, "--days", f"{options.days:g}"]
    for name in ("given", "models", "trials"):
        if getattr(options, name):
            words += [f"--{name}", str(getattr(options, name))]
    words += ["--minutes", f"{options.minutes:g}", "--customers", str(options.customers)]
    words += [part for change in options.set for part in ("--set", change)]
    return shlex.join(["python", "benchmarks/behavior.py", *words])


def _more_versions() -> dict[str, str]:
    modules = {"scikit-learn": "sklearn"}
    return {name: version(name) for name in LIBRARIES if find_spec(modules.get(name, name))}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of RetailRocket or Online Retail")
    parser.add_argument("--target", default="purchase", help="targets by comma: purchase, cart, view, churn ...")
    parser.add_argument("--given", help="only pairs of which this event happened")
    parser.add_argument("--days", type=float, default=7.0, help="how far ahead targets count")
    parser.add_argument(
        "--models", default="all", help="predictors by comma, all, or empty for those that suit the log"
    )
    parser.add_argument("--minutes", type=float, default=30.0, help="of each target, everything included")
    parser.add_argument("--trials", type=int, help="at most so many of each predictor")
    parser.add_argument("--customers", type=int, default=0, help="tell the reasons of so many shoppers")
    parser.add_argument("--set", action="append", default=[], metavar="A.B=VALUE", help="a setting of the selection")
    parser.add_argument("--work", type=Path, help="keeps the prepared log and the searches, which then go on")
    parser.add_argument("--json", type=Path, help="where the record goes")
    return parser


if __name__ == "__main__":
    main()

"""DeepFM, DCN V2 and DIN beside those of DeepCTR-Torch: the same examples, features and sizes, in the same run.

    python benchmarks/behavior_peers.py --data FOLDER --json OUT

FOLDER holds the log of RetailRocket. Purchases within 7 days on a time split; every side reads the same file of arrays:
scaled point-in-time features, item, hour, weekday, and the latest 30 items. Width 16, layers of 128 and 64, dropout .2,
Adam .001, batches of 512. Each side tries three strengths of what keeps it from learning items by heart (a penalty on
embeddings there, a share of unknown items here); strength and epoch are chosen by the log loss of validation, the test
is asked once. Every run is a process of its own, the sides take turns; seconds an epoch are medians over all epochs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.behavior_data import load
from benchmarks.figures import versions
from benchmarks.peers.behavior_arrays import Arrays, read_parts, write_parts
from benchmarks.peers.environments import default_cache, python_of
from shopkeeper.artifacts import write_text_atomic
from shopkeeper.config import load_settings
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.errors import DataError
from shopkeeper.evaluation.bootstrap import resampled_counts
from shopkeeper.jobs.select_parts import make_parts
from shopkeeper.jobs.select_settings import BehaviorSettings
from shopkeeper.metrics.classification import auc, average_precision
from shopkeeper.predictors.network_inputs import NetworkInputs, ReadyExamples

HERE = Path(__file__).resolve().parent
MODELS = ("DeepFM", "DCNv2", "DIN")
SIDES = {
    "shopkeeper": ("shopkeeper_behavior.py", (0.0, 0.5, 0.9)),
    "deepctr": ("deepctr_behavior.py", (1e-5, 1e-2, 1.0)),
}
LENGTH, LEAST, TRIES = 30, 5, 3
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
RESAMPLES = 200


def main(arguments: list[str] | None = None) -> None:
    """Makes the arrays, lets the sides take turns, prints and writes the figures."""
    options = _parser().parse_args(arguments)
    settings = load_settings(BehaviorSettings, None, ["examples.target=purchase", "examples.days=7"])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        dataset, facts = load(options.data, folder / "dataset", settings)
        users = prepare_arrays(dataset, settings, folder / "parts.npz")
        record: dict[str, Any] = {
            "command": f"python benchmarks/behavior_peers.py --data {options.data.name} --epochs {options.epochs}",
            "data": facts, "versions": versions(), "threads": options.threads, "models": {},
        }  # fmt: skip
        for model in options.models.split(","):
            runs: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
            for turn in range(TRIES):
                for side in SIDES:
                    runs[side].append(run(side, model, turn, folder, options))
            record["models"][model] = compared(model, runs, folder, users)
            print(_line(model, record["models"][model]), flush=True)
            if options.json:
                write_text_atomic(options.json, json.dumps(record, indent=1) + "\n")


def prepare_arrays(dataset: Dataset, settings: BehaviorSettings, file: Path) -> Any:
    """Writes the parts; returns the shopper of each example of the test, int32 [n]."""
    made = make_parts(dataset, settings, SplitSettings())
    parts = {name: one.for_target(0) for name, one in made.by_name().items()}
    train = parts["train"]
    if train.features is None:
        raise DataError("the examples have no features")
    inputs = NetworkInputs.fitted(train.features.values, train, LENGTH, LEAST)
    write_parts(file, {name: _arrays(one, inputs, train) for name, one in parts.items()})
    return parts["test"].user_index


def _arrays(one: Examples, inputs: NetworkInputs, train: Examples) -> Arrays:
    if one.features is None or one.past is None:
        raise DataError("the examples have no features")
    ready = ReadyExamples(inputs, one.features.values, replace(one, attributes=one.attributes[:1]))
    codes, past = ready.codes[:, 0], one.past.latest(LENGTH)
    places = past.start[:, None] + np.arange(LENGTH)
    real = places < past.stop[:, None]
    history = np.where(real, codes[past.item[np.where(real, places, 0)]], 0)
    context = ready.context
    return Arrays(
        inputs.scaling(one.features.values).astype(np.float32), codes[one.item_index], context[:, 0], context[:, 1],
        history, past.stop - past.start, ready.group, one.label,
        np.where(one.label > 0, 1.0, train.negative_rate / one.negative_rate),
    )  # fmt: skip


def run(side: str, model: str, turn: int, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One process of a side; what it told, and where its predictions are."""
    script, strengths = SIDES[side]
    python = Path(sys.executable) if side == "shopkeeper" else python_of(side, options.cache)
    out = folder / f"{side}-{model}-{turn}.npy"
    command = [
        str(python), str(HERE / "peers" / script), model, str(folder / "parts.npz"), "--epochs", str(options.epochs),
        "--threads", str(options.threads), "--regularization", str(strengths[turn]), "--out", str(out),
    ]  # fmt: skip
    environment = {**os.environ, **dict.fromkeys(THREADS, str(options.threads))}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    epochs = [one for one in told if one["event"] == "epoch"]
    return {
        "strength": strengths[turn], "validation": min(one["validation"] for one in epochs),
        "versions": next(one["versions"] for one in told if one["event"] == "ready"),
        "epochs": epochs, "predictions": out.name,
    }  # fmt: skip


def compared(model: str, runs: dict[str, list[dict[str, Any]]], folder: Path, users: Any) -> dict[str, Any]:
    """The chosen run of each side on the test, and their difference with its interval over shoppers."""
    test = read_parts(folder / "parts.npz")["test"]
    found: dict[str, Any] = {"runs": runs}
    said = {}
    for side, tried in runs.items():
        best = min(tried, key=lambda one: float(one["validation"]))
        said[side] = np.load(folder / best["predictions"])
        epochs = [epoch for one in tried for epoch in one["epochs"]]
        found[side] = {
            "auc": auc(test.label, said[side], test.weight),
            "average_precision": average_precision(test.label, said[side], test.weight),
            "seconds_an_epoch": statistics.median(one["seconds"] for one in epochs),
            "peak_megabytes": max(one["peak_megabytes"] for one in epochs), "strength": best["strength"],
        }  # fmt: skip
    ours, theirs = said["shopkeeper"], said["deepctr"]
    shoppers, number = np.unique(users, return_inverse=True)
    differences = [
        auc(test.label, ours, test.weight * counts[number]) - auc(test.label, theirs, test.weight * counts[number])
        for block in resampled_counts(len(shoppers), RESAMPLES, seed=0)
        for counts in block
    ]
    low, high = np.quantile(differences, [0.025, 0.975])
    found["auc_difference"] = {
        "mean": found["shopkeeper"]["auc"] - found["deepctr"]["auc"], "low": float(low), "high": float(high),
    }  # fmt: skip
    found["times_as_fast"] = found["deepctr"]["seconds_an_epoch"] / found["shopkeeper"]["seconds_an_epoch"]
    return found


def _line(model: str, found: dict[str, Any]) -> str:
    ours, theirs, difference = found["shopkeeper"], found["deepctr"], found["auc_difference"]
    return (
        f"{model}: AUC {ours['auc']:.4f} beside {theirs['auc']:.4f} "
        f"({difference['mean']:+.4f} [{difference['low']:+.4f}, {difference['high']:+.4f}]), "
        f"average precision {ours['average_precision']:.3f} beside {theirs['average_precision']:.3f}, "
        f"{ours['seconds_an_epoch']:.2f} s an epoch beside {theirs['seconds_an_epoch']:.2f} "
        f"({found['times_as_fast']:.1f} times as fast), "
        f"{ours['peak_megabytes']:.0f} MB beside {theirs['peak_megabytes']:.0f}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the log")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where environments of peers are kept")
    parser.add_argument("--json", type=Path, help="file for all figures")
    return parser


if __name__ == "__main__":
    main()

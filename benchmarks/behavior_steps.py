"""The textbook LSTM and every step above it, on the same examples: what each step buys.

    python benchmarks/behavior_steps.py --data FOLDER --json OUT

FOLDER holds the log of RetailRocket. Purchases within 7 days on a time split. Every step has its defaults but for what
it is about, stops by validation, is calibrated there and asked the test once; no step is tuned. Differences to the step
before are paired over resampled shoppers.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.behavior_data import load
from benchmarks.figures import versions
from shopkeeper.artifacts import write_text_atomic
from shopkeeper.config import build, load_settings
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.evaluation.behavior.compare import compare_predictors
from shopkeeper.evaluation.behavior.evaluate import BehaviorEvaluation, evaluate_predictor
from shopkeeper.evaluation.behavior.settings import BehaviorEvaluationSettings
from shopkeeper.jobs.select_parts import Parts, make_parts
from shopkeeper.jobs.select_settings import BehaviorSettings
from shopkeeper.predictors.registry import predictor_class

LEARNED_BY_HEART: Final = {"least_count": 1, "unknown_share": 0.0}
"""Every item has a vector from its first example on, as in a textbook."""
STEPS: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("textbook LSTM: the sequence and the item", "EmbeddingLSTM", {"with_features": False, **LEARNED_BY_HEART}),
    ("half of the items taken for unknown", "EmbeddingLSTM", {"with_features": False}),
    ("and the features", "EmbeddingLSTM", {}),
    ("a convolution and a perceptron in place of LSTM and line", "SequenceCNN", {}),
    ("self-attention", "SelfAttention", {}),
    ("attention to the item (DIN)", "DIN", {}),
    ("no sequence but its mean (MLP)", "MLP", {}),
    ("several behaviors, transformer", "BehaviorTransformer", {}),
    ("several behaviors, experts (MMoE)", "MMoE", {}),
    ("trees of the features alone", "GradientBoosting", {}),
    ("a line of the features alone", "LogisticRegression", {}),
)
METRICS: Final = ("auc", "pr_auc", "log_loss")


def main(arguments: list[str] | None = None) -> None:
    """Fits step by step, prints a line for each and writes all figures."""
    options = _parser().parse_args(arguments)
    settings = load_settings(
        BehaviorSettings, None,
        ["examples.target=purchase", "examples.days=7", 'examples.behaviors=["view", "cart", "purchase"]'],
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as temporary:
        dataset, facts = load(options.data, Path(temporary) / "dataset", settings)
        parts = make_parts(dataset, settings, SplitSettings())
    record: dict[str, Any] = {
        "command": f"python benchmarks/behavior_steps.py --data {options.data.name}", "data": facts,
        "versions": versions(), "examples": {name: len(one) for name, one in parts.by_name().items()}, "steps": [],
    }  # fmt: skip
    before: BehaviorEvaluation | None = None
    for title, model, config in STEPS[: options.steps]:
        found, row = step(title, model, config, parts)
        if before is not None:
            row["to_the_step_before"] = {
                metric: compare_predictors(found, before, metric).to_json() for metric in METRICS
            }
        before = found
        record["steps"].append(row)
        print(line(row), flush=True)
        if options.json:
            write_text_atomic(options.json, json.dumps(record, indent=1) + "\n")


def step(title: str, model: str, config: dict[str, Any], parts: Parts) -> tuple[BehaviorEvaluation, dict[str, Any]]:
    """Fits one step and asks the test."""
    cls = predictor_class(model)
    predictor = cls(build(cls.Config, {"calibration": "platt", **config}))
    began = perf_counter()
    predictor.fit(parts.train, parts.validation)
    seconds = perf_counter() - began
    found = evaluate_predictor(predictor, parts.test, BehaviorEvaluationSettings(segments=False), name=title)
    figures = {row.metric: {"value": row.value, "low": row.low, "high": row.high} for row in found.rows}
    return found, {"step": title, "model": model, "config": config, "seconds": seconds, "figures": figures}


def line(row: dict[str, Any]) -> str:
    """One step in words."""
    figures = row["figures"]
    words = [f"{metric} {_shown(figures[metric])}" for metric in METRICS]
    gain = row.get("to_the_step_before", {}).get("auc")
    change = "" if gain is None else f"; auc {gain['difference']:+.4f} [{gain['low']:+.4f}, {gain['high']:+.4f}]"
    return f"{row['step']} ({row['seconds']:.0f} s): {', '.join(words)}{change}"


def _shown(figure: dict[str, float]) -> str:
    return f"{figure['value']:.4g} [{figure['low']:.4g}, {figure['high']:.4g}]"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the log")
    parser.add_argument("--steps", type=int, default=len(STEPS), help="only the first ones")
    parser.add_argument("--json", type=Path, help="file for all figures")
    return parser


if __name__ == "__main__":
    main()

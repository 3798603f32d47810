"""What will be bought next, from views, carts and purchases: models of all behaviors beside models of purchases alone.

    python benchmarks/multibehavior.py --data FOLDER --models popular,transitions,sasrec,blend --seeds 3 --json OUT

FOLDER holds `events.csv` and `test_purchase.csv`, as `held_out_purchases.py` says: one held-out purchase a shopper,
whose own views and carts are gone from the log. The full catalog is ranked. A held-out item is never in the history of
its shopper, so that seen items are hidden, save by the rows that consist of them (recently viewed, last carted).
Settings, epochs, and the weights of the blend are chosen on a validation part made like the test (NDCG@10, first seed);
then each model is fitted on the whole log and the test is asked once for each seed.
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
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.held_out_purchases import EVENTS, TEST, Part, load, validation_part
from benchmarks.multibehavior_rows import BLEND, MEMBERS, ROWS
from shopkeeper.artifacts import file_hash, write_text_atomic
from shopkeeper.config import build, load_settings
from shopkeeper.errors import ConfigError, choices
from shopkeeper.evaluation.bootstrap import intervals
from shopkeeper.evaluation.compare import Comparison, compare
from shopkeeper.evaluation.cost import Cost, measured
from shopkeeper.evaluation.evaluate import Evaluation, evaluate
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.evaluation.table import table
from shopkeeper.machine import describe_processor
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.blend import Blend
from shopkeeper.recommenders.registry import recommender_class
from shopkeeper.training.settings import TrainingSettings

LIBRARIES = ("shopkeeper", "numpy", "scipy", "torch")
CHOOSING = EvaluationSettings(ks=(10, 20), metrics=("recall", "ndcg"), n_bootstrap=0, segments=False)
REPORTING = EvaluationSettings(ks=(5, 10, 20), metrics=("recall", "ndcg"), segments=False)
COLUMNS = (("recall", 10), ("ndcg", 10), ("recall", 20), ("ndcg", 20))
COMPARED = (("recall", 10), ("ndcg", 10), ("recall", 20))


@dataclass(frozen=True)
class Trial:
    """A model fitted on the validation part's log, and what it reached there."""

    config: dict[str, Any]
    model: Recommender
    ndcg: float


@dataclass(frozen=True)
class Result:
    """One row.

    Attributes:
        name: Of the row.
        behaviors: What it reads.
        config: Its settings.
        training: How it was trained.
        trials: Every setting tried, with its NDCG@10 on validation.
        validation: NDCG@10 there of the chosen one.
        search_seconds: Time of all trials.
        fitting: Cost of the first fit on the whole log.
        scoring: Cost of answering the test.
        megabytes: Size of what was learned.
        seeds: Each with a fit and a test of its own.
        test: The test, values of a shopper meant over seeds.
        std: For each metric@k the deviation over seeds.
        facts: What else there is to know of the model.
    """

    name: str
    behaviors: str
    config: dict[str, Any]
    training: dict[str, Any]
    trials: list[dict[str, Any]]
    validation: float
    search_seconds: float
    fitting: Cost
    scoring: Cost
    megabytes: float
    seeds: tuple[int, ...]
    test: Evaluation
    std: dict[str, float]
    facts: dict[str, Any]

    def figures(self) -> dict[str, dict[str, float]]:
        """For each metric@k its value, the ends of its 95 % interval over shoppers, and the deviation over seeds."""
        found = {}
        for (metric, k), values in self.test.per_shopper.items():
            low, high = intervals(values[:, None], REPORTING.n_bootstrap, REPORTING.seed)
            found[f"{metric}@{k}"] = {
                "value": float(values.mean(dtype=np.float64)), "low": float(low[0]), "high": float(high[0]),
                "std": self.std[f"{metric}@{k}"],
            }  # fmt: skip
        return found


def main(arguments: list[str] | None = None) -> None:
    """Parses the command line, runs all rows, prints and writes the results."""
    options = _parser().parse_args(arguments)
    training = load_settings(TrainingSettings, None, options.set)
    names = [name for name in options.models.split(",") if name != BLEND]
    for name in names:
        if name not in ROWS:
            raise ConfigError(f"there is no row {name!r}", expected=choices(name, ROWS))
    whole, n_items = load(options.data)
    chosen_on = validation_part(whole.train, training.seed)
    bench = Bench(whole, chosen_on, training, options.seeds)
    ends = time.monotonic() + 60 * options.minutes
    parts = {"test": whole.facts(), "validation": chosen_on.facts()}
    for place, name in enumerate(names):
        bench.run(name, time.monotonic() + max(0.0, ends - time.monotonic()) / (len(names) - place))
        if options.json:  # what is done is kept, should a later row be broken off
            write_text_atomic(options.json, to_json(options, parts, n_items, training, bench.results))
    if BLEND in options.models.split(","):
        bench.run_blend()
    print(to_text(parts["test"], n_items, bench.results))
    if options.json:
        write_text_atomic(options.json, to_json(options, parts, n_items, training, bench.results))


class Bench:
    """Runs rows one after the other, and keeps their fitted models for the blend."""

    def __init__(self, whole: Part, chosen_on: Part, training: TrainingSettings, n_seeds: int) -> None:
        self.whole, self.chosen_on, self.training, self.n_seeds = whole, chosen_on, training, n_seeds
        self.results: list[Result] = []
        self.tried: dict[str, Trial] = {}
        self.fitted: dict[str, list[Recommender]] = {}
        """For each row its model on the whole log, of each seed."""

    def run(self, name: str, deadline: float) -> None:
        """Chooses the settings of a row on validation, fits it on the whole log and asks the test."""
        started = time.monotonic()
        best, trials = self._choose(name, deadline)
        searched = time.monotonic() - started
        models, fitting = [], Cost()
        for seed in self._seeds(name):
            with measured() as cost:
                models.append(self._fit(name, best.config, self.whole, seed))
            fitting = cost if len(models) == 1 else fitting
        self.tried[name], self.fitted[name] = best, models
        training = self._training(name, self.training.seed)
        self._ask(name, best, trials, searched, fitting, models, training.model_dump(mode="json"), {})

    def run_blend(self) -> None:
        """Mixes the rows that ran: weights from validation, members of the whole log."""
        names = [name for name in MEMBERS if name in self.tried]
        started = time.monotonic()
        chosen = Blend.of_fitted([self.tried[name].model for name in names], hide_seen=True)
        chosen.fit_weights(self.chosen_on.questions, self.training.seed)
        ndcg = evaluate(chosen, self.chosen_on.questions, CHOOSING).value("ndcg", 10)
        searched = time.monotonic() - started
        models: list[Recommender] = []
        for place in range(self.n_seeds):
            of_seed = [self.fitted[name][min(place, len(self.fitted[name]) - 1)] for name in names]
            blend = Blend.of_fitted(of_seed, hide_seen=True)
            blend.weights, blend.sharpness = chosen.weights, chosen.sharpness
            models.append(blend)
        facts = {"members": names, "weights": chosen.weights.tolist(), "sharpness": chosen.sharpness.tolist()}
        self._ask(BLEND, Trial({}, chosen, ndcg), [], searched, Cost(), models, {}, facts)

    def _ask(
        self, name: str, best: Trial, trials: list[dict[str, Any]], searched: float, fitting: Cost,
        models: list[Recommender], training: dict[str, Any], facts: dict[str, Any],
    ) -> None:  # fmt: skip
        tests = [evaluate(model, self.whole.questions, REPORTING, part="test", name=name) for model in models]
        by_seed = {key: np.stack([test.per_shopper[key] for test in tests]) for key in tests[0].per_shopper}
        mean = replace(tests[0], per_shopper={key: values.mean(axis=0) for key, values in by_seed.items()})
        std = {
            f"{metric}@{k}": float(values.mean(axis=1, dtype=np.float64).std(ddof=1)) if len(tests) > 1 else 0.0
            for (metric, k), values in by_seed.items()
        }
        self.results.append(Result(
            name, ROWS[name].behaviors, best.model.config.model_dump(mode="json"), training, trials, best.ndcg,
            searched, fitting, tests[0].scoring, tests[0].model_megabytes, self._seeds(name), mean, std, facts,
        ))  # fmt: skip

    def _choose(self, name: str, deadline: float) -> tuple[Trial, list[dict[str, Any]]]:
        """The best settings: one setting after the other, on top of the best so far, until the deadline."""
        trials: list[dict[str, Any]] = []

        def attempt(config: dict[str, Any]) -> Trial:
            started = time.monotonic()
            model = self._fit(name, config, self.chosen_on, self.training.seed)
            ndcg = evaluate(model, self.chosen_on.questions, CHOOSING).value("ndcg", 10)
            seconds = time.monotonic() - started
            trials.append({"config": config, "validation_ndcg@10": ndcg, "seconds": seconds})
            print(f"  {name} {config}: validation NDCG@10 {ndcg:.4f} ({seconds:.1f} s)", file=sys.stderr, flush=True)
            return Trial(config, model, ndcg)

        best = attempt({})
        for field, values in ROWS[name].grid.items():
            base = best.config
            for value in values:
                if time.monotonic() > deadline:
                    return best, trials
                best = max(best, attempt({**base, field: value}), key=lambda trial: trial.ndcg)
        return best, trials

    def _fit(self, name: str, config: dict[str, Any], part: Part, seed: int) -> Recommender:
        """Without early stopping, so that the last fit is trained as the one that was chosen."""
        found = recommender_class(ROWS[name].model)
        return found(build(found.Config, {**ROWS[name].start, **config})).fit(
            part.train, None, self._training(name, seed)
        )

    def _training(self, name: str, seed: int) -> TrainingSettings:
        """Those of the row, changed by those of the command."""
        asked = self.training.model_dump(exclude_unset=True)
        return build(TrainingSettings, {**ROWS[name].training, **asked, "seed": seed})

    def _seeds(self, name: str) -> tuple[int, ...]:
        return tuple(range(self.training.seed, self.training.seed + (self.n_seeds if ROWS[name].seeded else 1)))


def compare_best(results: list[Result]) -> tuple[Comparison, ...]:
    """The row of all behaviors that validation holds best, beside every row of another kind, shopper by shopper."""
    several = [result for result in results if result.behaviors == "several"]
    if not several:
        return ()
    best = max(several, key=lambda result: result.validation)
    others = [result for result in results if result.behaviors != "several"]
    others += [result for result in several if result is not best]
    found = [compare(best.test, other.test, REPORTING.n_bootstrap, REPORTING.seed) for other in others]
    return tuple(one for each in found for one in each if (one.metric, one.k) in COMPARED)


def to_text(facts: dict[str, Any], n_items: int, results: list[Result]) -> str:
    """Both tables: the rows, and the differences."""
    head = ["model", "reads", *(f"{metric[0].upper()}@{k}" for metric, k in COLUMNS), "R@10 95 %", "N@10 95 %"]
    rows = []
    for result in results:
        figures = result.figures()
        cells = [f"{figures[f'{metric}@{k}']['value']:.4f}" for metric, k in COLUMNS]
        cells += [f"{figures[key]['low']:.4f}-{figures[key]['high']:.4f}" for key in ("recall@10", "ndcg@10")]
        cells += [f"{result.validation:.4f}", f"{result.fitting.seconds:.1f}", str(len(result.seeds))]
        rows.append([result.name, result.behaviors, *cells])
    text = (
        f"\n{facts['asked']:,} shoppers, one purchase each, full ranking of {n_items:,} items; "
        f"{facts['targets_unseen_by_training']:.1%} of the targets unseen by training, "
        f"{facts['targets_in_history']:.1%} in the shopper's history\n"
        + table([*head, "valid N@10", "fit s", "seeds"], rows)
    )
    comparisons = compare_best(results)
    if not comparisons:
        return text
    lines = [
        [one.b, f"{one.metric[0].upper()}@{one.k}", f"{one.difference:+.4f}", f"{one.low:+.4f} to {one.high:+.4f}"]
        for one in comparisons
    ]
    return f"{text}\n\n{comparisons[0].a} minus\n" + table(["model", "in", "difference", "95 %"], lines)


def to_json(
    options: argparse.Namespace, parts: dict[str, Any], n_items: int, training: TrainingSettings, results: list[Result]
) -> str:
    """Everything that is needed to run it again and to compare; of paths only the last name."""
    flags = ["--models", options.models, "--seeds", str(options.seeds), "--minutes", f"{options.minutes:g}"]
    flags += [part for change in options.set for part in ("--set", change)]
    name = options.data.resolve().name
    content = {
        "command": shlex.join(["python", "benchmarks/multibehavior.py", "--data", name, *flags]),
        "data": {
            "name": name, "items": n_items,
            "sha256": {file: file_hash(options.data / file) for file in (EVENTS, TEST)},
        },
        "parts": parts,
        "training": training.model_dump(mode="json"),
        "versions": {library: version(library) for library in LIBRARIES}
        | {"python": platform.python_version()} | describe_processor(),
        "results": [_plain(result) for result in results],
        "comparisons": [comparison.to_json() for comparison in compare_best(results)],
    }  # fmt: skip
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _plain(result: Result) -> dict[str, Any]:
    kept = {name: value for name, value in vars(result).items() if name not in ("test", "std", "fitting", "scoring")}
    return {**kept, "fitting": asdict(result.fitting), "scoring": asdict(result.scoring), "figures": result.figures()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help=f"folder with {EVENTS} and {TEST}")
    parser.add_argument("--models", default=",".join(ROWS), help="by comma; blend mixes those of the others that run")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each model that starts from random numbers")
    parser.add_argument("--minutes", type=float, default=60.0, help="for choosing settings, all models together")
    parser.add_argument("--set", action="append", default=[], help="a training setting, for example batch_targets=512")
    parser.add_argument("--json", type=Path, help="where to write the results")
    return parser


if __name__ == "__main__":
    main()

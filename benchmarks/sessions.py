"""Session-based recommendation: what comes next in a session that began a moment ago, by the papers' protocol.

    python benchmarks/sessions.py --data FOLDER --models vsknn,stan --minutes 20 --refit --json OUT

FOLDER holds `train_sessions.csv` (a session a line, items separated by spaces, oldest first) and
`test_prefix_target.csv` (lines `item item ...,target`; every beginning of every test session). All items of the
training sessions are ranked for every question, those of the question itself too, since shoppers go back to them. P@k
(the share of targets in the first k) and MRR@k are in percent. Settings are chosen on the last training sessions, by
the sum of P@20 and MRR@20; with --refit the model is then fitted once more, with these settings, on all of them. The
row `blend` mixes the rows before it, its weights fitted on the sample of the validation part. The test is asked once
for each seed. Intervals are over sessions, whose questions hang together.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.figures import UNTRAINED, Figure, configs_by_model, coordinate_search, figure, versions
from benchmarks.session_data import TEST, TRAIN, Parts, load
from benchmarks.session_rows import BLEND, GRIDS, NETWORKS, network_training
from shopkeeper.artifacts import file_hash, write_text_atomic
from shopkeeper.config import build, load_settings
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.holdout import Holdout
from shopkeeper.evaluation.cost import Cost, measured
from shopkeeper.evaluation.evaluate import Evaluation, evaluate
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.evaluation.table import table
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.blend import Blend
from shopkeeper.recommenders.neural import NeuralRecommender
from shopkeeper.recommenders.registry import recommender_class
from shopkeeper.training.settings import TrainingSettings

KS = (5, 10, 20)
COLUMNS = tuple((metric, k) for k in KS for metric in ("recall", "mrr"))
NAMES = {"recall": "P", "mrr": "MRR"}
REPORTING = EvaluationSettings(ks=KS, metrics=("recall", "mrr"), n_bootstrap=0, hide_seen=False, segments=False)

PUBLISHED = Path(__file__).parent / "published" / "sessions.json"
"""Figures of others, printed below ours on the data set that they belong to."""


@dataclass(frozen=True)
class Result:
    """One model.

    Attributes:
        model: Its name.
        config: Settings chosen.
        trials: All settings tried, with P@20 and MRR@20 on a sample of the validation part.
        search_seconds: For choosing them.
        fitted_on: Which sessions the model of the test had learned from.
        epochs: Of the training of that model, for a network.
        fitting: Of that model, for the last seed.
        scoring: Of the whole test.
        megabytes: What that model has learned.
        seeds: One run each.
        validation: Figures in percent on the sample of the validation part.
        test: Figures in percent.
    """

    model: str
    config: dict[str, Any]
    trials: list[dict[str, Any]]
    search_seconds: float
    fitted_on: str
    epochs: int | None
    fitting: Cost
    scoring: Cost
    megabytes: float
    seeds: tuple[int, ...]
    validation: dict[str, Figure]
    test: dict[str, Figure]


def main(arguments: list[str] | None = None) -> None:
    """Parses the command line, runs every model, prints and writes the results."""
    options = _parser().parse_args(arguments)
    training = load_settings(TrainingSettings, None, options.set)
    given = configs_by_model(options.config)
    parts = load(options.data, options.validation_share)
    facts = describe(parts)
    print(facts, file=sys.stderr)
    ends = time.monotonic() + 60 * options.minutes
    bench = Bench(parts, options, training)
    results: list[Result] = []
    names = options.models.split(",")
    for place, name in enumerate(names):
        deadline = time.monotonic() + (ends - time.monotonic()) / (len(names) - place)
        results.append(bench.blend() if name == BLEND else bench.run(name, given.get(name.lower(), {}), deadline))
        if options.json:
            write_text_atomic(options.json, to_json(options, facts, results, training))
    print(to_text(facts, results, published(facts)), flush=True)


def describe(parts: Parts) -> dict[str, Any]:
    """Sizes of the parts, and what the reader must know of them."""
    return {
        "train_sessions": parts.everything.n_users,
        "items": parts.everything.n_items,
        "events": parts.everything.n_events,
        "validation_sessions": int(parts.validation.session[-1]) + 1,
        "validation_questions": len(parts.validation.targets),
        "test_sessions": int(parts.test.session[-1]) + 1,
        "questions": len(parts.test.targets),
        "targets_in_the_question": round(parts.test.repeat_share(), 4),
        "train_hash": parts.everything.data_hash,
    }


class Bench:
    """Runs rows one after the other, and keeps their fitted models for the blend.

    Args:
        parts: The data.
        options: The command line.
        training: Training settings that the command gives; its seed is the first.
    """

    def __init__(self, parts: Parts, options: argparse.Namespace, training: TrainingSettings) -> None:
        self.parts, self.training, self.refit = parts, training, bool(options.refit)
        self.asked = parts.validation.sample(options.sample)
        self.validation = self.asked.holdout(parts.train.items)
        self.seeds = tuple(range(training.seed, training.seed + options.seeds))
        self.chosen: dict[str, list[Recommender]] = {}
        """For each row its model without the validation sessions, of each seed."""
        self.final: dict[str, list[Recommender]] = {}
        """For each row the model that the test asks, of each seed."""

    def run(self, name: str, given: dict[str, Any], deadline: float) -> Result:
        """Chooses settings on validation with the first seed, then asks the test once for each seed."""
        started = time.monotonic()
        training = network_training(name, self.training)
        config, trials = choose(name, given, self.parts.train, self.validation, training, deadline)
        search_seconds = time.monotonic() - started
        seeds = self.seeds[:1] if recommender_class(name).__name__.lower() in UNTRAINED else self.seeds
        self.chosen[name], self.final[name] = [], []
        for seed in seeds:
            model, fitting = _fit(name, config, self.parts.train, self.validation, training.replace(seed=seed))
            epochs = _epochs(model)
            self.chosen[name].append(model)
            if self.refit:
                whole = training.replace(seed=seed, epochs=epochs or training.epochs)
                model, fitting = _fit(name, config, self.parts.everything, None, whole)
            self.final[name].append(model)
        return self._result(name, model.config.model_dump(mode="json"), trials, search_seconds, epochs, fitting)

    def blend(self) -> Result:
        """The mixture of the rows so far; with several seeds the models of one seed are mixed."""
        names = list(self.chosen)
        self.chosen[BLEND], self.final[BLEND] = [], []
        with measured() as cost:
            for place, seed in enumerate(self.seeds):
                fitted = Blend.of_fitted(_of_seed(self.chosen, names, place), hide_seen=False)
                fitted.fit_weights(self.validation, seed)
                blend = Blend.of_fitted(_of_seed(self.final, names, place), hide_seen=False)
                blend.weights, blend.sharpness = fitted.weights, fitted.sharpness
                self.chosen[BLEND].append(fitted)
                self.final[BLEND].append(blend)
        first = self.final[BLEND][0]
        assert isinstance(first, Blend)  # noqa: S101
        config = {
            name: {"weight": float(weight), "sharpness": float(sharpness)}
            for name, weight, sharpness in zip(names, first.weights, first.sharpness, strict=True)
        }
        return self._result(BLEND, config, [], cost.seconds, None, cost)

    def _result(
        self, name: str, config: dict[str, Any], trials: list[dict[str, Any]], searched: float, epochs: int | None,
        fitting: Cost,
    ) -> Result:  # fmt: skip
        checks = [evaluate(model, self.validation, REPORTING, part="validation") for model in self.chosen[name]]
        tests = [
            evaluate(model, self.parts.test.holdout(model.train.items), REPORTING, part="test", name=name)
            for model in self.final[name]
        ]
        result = Result(
            name, config, trials, searched,
            "all training sessions" if self.refit else "training sessions without validation",
            epochs, fitting, tests[-1].scoring, tests[-1].model_megabytes, self.seeds[: len(tests)],
            _figures(checks, self.asked.session), _figures(tests, self.parts.test.session),
        )  # fmt: skip
        found = result.test
        print(f"{name}: P@20 {found['recall@20'].value:.2f}, MRR@20 {found['mrr@20'].value:.2f}", file=sys.stderr)
        return result


def _of_seed(models: dict[str, list[Recommender]], names: list[str], place: int) -> list[Recommender]:
    """The models of one seed; a model that has no seeds is of all of them."""
    return [models[name][min(place, len(models[name]) - 1)] for name in names]


def choose(
    name: str,
    given: dict[str, Any],
    train: Dataset,
    validation: Holdout,
    training: TrainingSettings,
    deadline: float,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The best settings on the validation part until the deadline, and all that was tried."""
    grid = {field: values for field, values in GRIDS.get(name.lower(), {}).items() if field not in given}
    choosing = REPORTING.replace(ks=(20,))
    trials: list[dict[str, Any]] = []

    def attempt(config: dict[str, Any]) -> float:
        model, fitting = _fit(name, config, train, validation, training)
        found = evaluate(model, validation, choosing, part="validation")
        recall, mrr = 100 * found.value("recall", 20), 100 * found.value("mrr", 20)
        trials.append({"config": config, "recall@20": recall, "mrr@20": mrr, "fit_seconds": fitting.seconds})
        print(f"  {name} {config}: P@20 {recall:.2f}, MRR@20 {mrr:.2f}", file=sys.stderr)
        return recall + mrr

    best, reached = {**NETWORKS.get(name.lower(), {}), **given}, float("-inf")
    if grid and time.monotonic() < deadline:
        start = {**{field: values[0] for field, values in grid.items()}, **given}
        for config, value in coordinate_search(start, grid, attempt):
            if value > reached:
                best, reached = config, value
            if time.monotonic() > deadline:
                break
    return best, trials


def _fit(
    name: str, config: dict[str, Any], train: Dataset, validation: Holdout | None, training: TrainingSettings
) -> tuple[Recommender, Cost]:
    model_class = recommender_class(name)
    model = model_class(build(model_class.Config, config))
    with measured() as cost:
        model.fit(train, validation, training)
    return model, cost


def _epochs(model: Recommender) -> int | None:
    result = model.training_result if isinstance(model, NeuralRecommender) else None
    return result.best_epoch if result is not None else None


def _figures(evaluations: list[Evaluation], session: Any) -> dict[str, Figure]:
    """In percent, by metric@k."""
    return {
        f"{metric}@{k}": figure([100 * each.per_shopper[metric, k] for each in evaluations], session)
        for metric, k in COLUMNS
    }


def published(facts: dict[str, Any]) -> list[list[str]]:
    """Rows of figures of others for this data set, as cells of the table."""
    content = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    rows = [row for data in content if data["size"].items() <= facts.items() for row in data["rows"]]
    figures = [[row["figures"].get(f"{metric}@{k}") for metric, k in COLUMNS] for row in rows]
    return [
        [
            f"{row['model']} ({row['source']})",
            *("-" if value is None else f"{value:.2f}" for value in values),
            *["-"] * 6,
        ]
        for row, values in zip(rows, figures, strict=True)
    ]


def to_text(facts: dict[str, Any], results: list[Result], others: list[list[str]]) -> str:
    """The table, figures of others below ours."""
    head = ["model", *(f"{NAMES[metric]}@{k}" for metric, k in COLUMNS)]
    head += ["P@20 95 %", "MRR@20 95 %", "fit s", "score s", "MB", "seeds"]
    return (
        f"\n{facts['questions']:,} questions of {facts['test_sessions']:,} sessions, full ranking of {facts['items']:,}"
        f" items, {facts['targets_in_the_question']:.1%} of the targets occur in the question and are not hidden;"
        f" models fitted on {results[0].fitted_on}\n" + table(head, [_cells(result) for result in results] + others)
    )


def _cells(result: Result) -> list[str]:
    found = result.test
    return [
        result.model,
        *(f"{found[f'{metric}@{k}'].value:.2f}" for metric, k in COLUMNS),
        *(f"{found[key].low:.2f}-{found[key].high:.2f}" for key in ("recall@20", "mrr@20")),
        *(f"{value:.1f}" for value in (result.fitting.seconds, result.scoring.seconds, result.megabytes)),
        str(len(result.seeds)),
    ]


def to_json(
    options: argparse.Namespace, facts: dict[str, Any], results: list[Result], training: TrainingSettings
) -> str:
    """Everything that is needed to run it again and to compare; of paths only the last name."""
    folder = options.data.resolve()
    flags = ["--models", options.models, "--seeds", str(options.seeds), "--minutes", f"{options.minutes:g}"]
    flags += ["--validation-share", f"{options.validation_share:g}", "--sample", str(options.sample)]
    flags += [part for change in options.set for part in ("--set", change)]
    flags += [part for change in options.config for part in ("--config", change)]
    flags += ["--refit"] if options.refit else []
    content = {
        "command": shlex.join(["python", "benchmarks/sessions.py", "--data", folder.name, *flags]),
        "data": {
            "name": folder.name,
            "sha256": {name: file_hash(folder / name) for name in (TRAIN, TEST)},
            **facts,
        },
        "training": training.model_dump(mode="json"),
        "versions": versions(),
        "results": [asdict(result) for result in results],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help=f"folder with {TRAIN} and {TEST}")
    parser.add_argument("--models", default="most-popular,transitions,vsknn,stan", help="recommenders, by comma")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each model that starts from random numbers")
    parser.add_argument("--minutes", type=float, default=30.0, help="for choosing settings, all models together")
    parser.add_argument("--validation-share", type=float, default=0.08, help="of the training sessions, the last ones")
    parser.add_argument("--sample", type=int, default=10_000, help="questions of the validation part that are asked")
    parser.add_argument("--refit", action="store_true", help="learn from the validation sessions too, before the test")
    parser.add_argument("--set", action="append", default=[], help="a training setting, for example epochs=40")
    parser.add_argument("--config", action="append", default=[], help="a setting of a model: stan.neighbors=300")
    parser.add_argument("--json", type=Path, help="where to write the results")
    return parser


if __name__ == "__main__":
    main()

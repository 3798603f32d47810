"""Sequential recommendation on public data sets, by the protocol of the published tables and by an honest one.

    python benchmarks/sequential.py --data FOLDER --models popular,transitions,sasrec --seeds 5 --json OUT

FOLDER holds `sequences.txt` (a line a shopper: `user item item ...`, oldest first) and perhaps `events.parquet` (the
same events with `timestamp` in seconds) and `catalog.parquet`. Three protocols: leave-one-out in the order of the file
(what papers print), the same with the order within a day shuffled (files order same-day events in ways that give
targets away), and a global time split (the only one that does not look into the future). Always the full catalog is
ranked, items already seen are hidden, everything is chosen on validation (NDCG@10), and the test is run once for each
seed. The row `blend` mixes the models of the rows before it, its weights fitted on validation.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sequential_rows import CLASSES, SEEDED, Grid, grids
from benchmarks.sequential_tables import (
    CHOOSING,
    COLUMNS,
    COMPARED,
    REPORTING,
    Result,
    in_words,
    published,
    to_json,
    to_text,
)
from shopkeeper.artifacts import write_text_atomic
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
from shopkeeper.evaluation.compare import Comparison, compare
from shopkeeper.evaluation.cost import Cost, measured
from shopkeeper.evaluation.evaluate import Evaluation, evaluate
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.blend import Blend
from shopkeeper.recommenders.registry import recommender_class
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Int64Array

PROTOCOLS = ("leave_one_out", "same_day_shuffled", "global_time")
BLEND = "blend"
"""The row that mixes all models of the rows above it."""


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
    compared: list[dict[str, Any]] = []
    for protocol in protocols:
        parts = make_split(log, protocol)
        facts[protocol] = describe(parts)
        protocol_rows = Rows(protocol, parts, options.seeds, training, grids(options.start))
        for name in names:
            left = len(protocols) * len(names) - len(results)
            deadline = time.monotonic() + (ends - time.monotonic()) / left
            results.append(protocol_rows.blend() if name == BLEND else protocol_rows.run(name, deadline))
        print(to_text(protocol, facts[protocol], results, published(log, protocol)), flush=True)
        comparisons = protocol_rows.comparisons()
        print("".join(f"{in_words(one)}\n" for one in comparisons), flush=True)
        compared += [{"protocol": protocol, **one.to_json()} for one in comparisons]
    if options.json:
        write_text_atomic(options.json, to_json(options, log, facts, results, training, compared))


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
        log = in_file_order(log)
    if protocol == "same_day_shuffled":
        histories = log.histories
        noise = np.random.default_rng(0).random(histories.n_events)
        order = np.lexsort((noise, histories.timestamp, histories.rows))
        log = replace(log, histories=replace(histories, item_index=histories.item_index[order]))
    return split(log, SplitSettings(kind="global_time" if protocol == "global_time" else "leave_one_out"))


def in_file_order(log: Dataset) -> Dataset:
    """Rows of one time follow each other by a microsecond, in the order of the file."""
    histories = log.histories
    place = np.arange(histories.n_events) - np.asarray(histories.offsets)[histories.rows]
    return replace(log, histories=replace(histories, timestamp=histories.timestamp + place))


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


class Rows:
    """The rows of one protocol.

    Args:
        protocol: Its name.
        parts: Its split.
        n_seeds: Runs of each model that starts from random numbers.
        training: Training settings; its seed is the first.
        grid_of: Values tried for the settings of each model.
    """

    def __init__(
        self, protocol: str, parts: Split, n_seeds: int, training: TrainingSettings, grid_of: dict[str, Grid]
    ) -> None:
        self.grid_of = grid_of
        self.protocol = protocol
        self.parts = parts
        self.seeds = tuple(range(training.seed, training.seed + n_seeds))
        self.training = training
        self.models: dict[str, list[Recommender]] = {}
        """The chosen models of each row, one a seed, or one alone."""
        self.tests: dict[str, Evaluation] = {}
        """What they reached on the test part, each shopper's values averaged over seeds."""
        self.validation: dict[str, float] = {}
        """NDCG@10 on the validation part of the first of them."""
        self.costs: dict[str, Cost] = {}

    def run(self, name: str, deadline: float) -> Result:
        """Chooses settings on validation with the first seed, then asks the test once for each seed."""
        started = time.monotonic()
        grid = self.grid_of.get(name, {})
        best, trials = choose(name, grid, self.parts, self.training, deadline)
        search_seconds = time.monotonic() - started
        self.models[name], self.costs[name], self.validation[name] = [best.model], best.fitting, best.ndcg
        for seed in self.seeds[1:] if name in SEEDED else ():
            self.models[name].append(_fit(name, best.config, self.parts, self.training.replace(seed=seed))[0])
        return self._result(name, trials, search_seconds)

    def blend(self) -> Result:
        """The mixture of all rows so far; with several seeds the models of one seed are mixed."""
        members = dict(self.models)
        with measured() as cost:
            blends = [
                Blend.of_fitted([models[min(place, len(models) - 1)] for models in members.values()])
                for place in range(max(map(len, members.values())))
            ]
            for seed, blend in zip(self.seeds, blends, strict=False):
                blend.fit_weights(self.parts.validation, seed)
        self.models[BLEND] = [*blends]
        self.validation[BLEND] = _validation_ndcg(blends[0], self.parts)
        self.costs[BLEND] = replace(cost, seconds=cost.seconds + sum(one.seconds for one in self.costs.values()))
        weights = {name: round(float(weight), 4) for name, weight in zip(members, blends[0].weights, strict=True)}
        return self._result(BLEND, [{"weights": weights}], cost.seconds)

    def comparisons(self) -> list[Comparison]:
        """The row that validation holds best beside each other one, shopper by shopper, means over seeds."""
        best = max(self.tests, key=lambda name: self.validation[name])
        others = [name for name in self.tests if name != best]
        found = [one for name in others for one in compare(self.tests[best], self.tests[name])]
        return [one for one in found if one.k == COMPARED]

    def _result(self, name: str, trials: list[dict[str, Any]], search_seconds: float) -> Result:
        models = self.models[name]
        tests = [evaluate(model, self.parts.test, REPORTING, part="test", name=name) for model in models]
        by_seed = {key: np.stack([test.per_shopper[key] for test in tests]) for key in tests[0].per_shopper}
        mean = {key: values.mean(axis=0).astype(np.float32) for key, values in by_seed.items()}
        self.tests[name] = replace(tests[0], per_shopper=mean)
        result = Result(
            name, self.protocol, models[0].config.model_dump(mode="json"), trials, search_seconds, self.costs[name],
            tests[0].scoring, tests[0].model_megabytes, self.seeds[: len(models)], _figures(tests),
        )  # fmt: skip
        print(
            f"{self.protocol}: {name} reached R@10 {result.figures['recall@10']['value']:.4f} on test", file=sys.stderr
        )
        return result


@dataclass(frozen=True)
class Trial:
    """A fitted model and what it reached on validation."""

    config: dict[str, Any]
    model: Recommender
    fitting: Cost
    ndcg: float


def choose(
    name: str, grid: Grid, parts: Split, training: TrainingSettings, deadline: float
) -> tuple[Trial, list[dict[str, Any]]]:
    """The best settings on validation: one setting after the other, on top of the best so far, until the deadline."""
    trials: list[dict[str, Any]] = []

    def attempt(config: dict[str, Any]) -> Trial:
        model, fitting = _fit(name, config, parts, training)
        ndcg = _validation_ndcg(model, parts)
        trials.append({"config": config, "validation_ndcg@10": ndcg, "fit_seconds": fitting.seconds})
        print(f"  {name} {config}: validation NDCG@10 {ndcg:.4f} ({fitting.seconds:.1f} s)", file=sys.stderr)
        return Trial(config, model, fitting, ndcg)

    best = attempt({field: values[0] for field, values in grid.items()})
    for field, values in grid.items():
        base = best.config
        for value in values[1:]:
            if time.monotonic() > deadline:
                return best, trials
            best = max(best, attempt({**base, field: value}), key=lambda trial: trial.ndcg)
    return best, trials


def _validation_ndcg(model: Recommender, parts: Split) -> float:
    return evaluate(model, parts.validation, CHOOSING, part="validation").value("ndcg", 10)


def _fit(name: str, config: dict[str, Any], parts: Split, training: TrainingSettings) -> tuple[Recommender, Cost]:
    model_class = recommender_class(CLASSES.get(name, name))
    model = model_class(build(model_class.Config, config))
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with sequences.txt")
    parser.add_argument("--models", default="popular,transitions,item_knn,ease,als,bpr,sasrec", help="by comma")
    parser.add_argument("--protocols", default=",".join(PROTOCOLS), help="by comma")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each model that starts from random numbers")
    parser.add_argument("--minutes", type=float, default=60.0, help="for choosing settings, all models together")
    parser.add_argument(
        "--start", action="append", default=[], help="where the search of a setting begins: ties=shuffle"
    )
    parser.add_argument("--set", action="append", default=[], help="a training setting, for example epochs=40")
    parser.add_argument("--json", type=Path, help="where to write the results")
    return parser


if __name__ == "__main__":
    main()

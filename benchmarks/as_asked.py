"""Whether chances hold as they are asked for: six shops, before and after examples were made at any moment.

    python benchmarks/as_asked.py --data SHARED --shops slow,daily,growing,grocery,retailrocket,online-retail
        --models LogisticRegression,GradientBoosting --json OUT

The question is that of `shopkeeper predict --all`: all shoppers of the last 90 days with all known items, at four
moments of the test part, purchases within 7 days. *Before*: examples at visits, calibrated on a sample of validation,
as they were until then. *After*: examples at landmarks, calibrated on the whole question of
validation. Settings are the defaults; nothing is chosen on the test part, which each predictor is asked once. Deciles
hold equally much of what was said; a decile that nothing came of is written "-". Intervals are over shoppers.

SHARED holds `retailrocket` and `online-retail`; the grocery log is that of the demo (`pip install
'shopkeeper[demo]'`); three shops are made up: `slow`, visited every 40 days, `daily`, whose households take much of the
same, and `growing`, with sessions, new items and a season. What stands in the record already is not asked again: a run
that was broken off goes on.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.behavior_data import load
from benchmarks.figures import versions
from shopkeeper.artifacts import write_text_atomic
from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.events import Events, EventsSettings
from shopkeeper.data.examples.asked import whole_question
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.point_in_time.log import Log
from shopkeeper.data.prepare import PrepareSettings, prepare
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.errors import ShopkeeperError
from shopkeeper.evaluation.behavior.as_asked import AsAsked, ask_whole
from shopkeeper.jobs.select_models import competing, contestants, with_behaviors
from shopkeeper.jobs.select_parts import make_parts, part_moments
from shopkeeper.jobs.select_settings import BehaviorSettings
from shopkeeper.predictors.base import Predictor

CLASSICAL = "LogisticRegression,LinearSVM,NaiveBayes,GradientBoosting,RandomForest"
START = np.datetime64("2026-01-01T00:00:00", "us")
DAY = 86_400
WAYS = {"before": {"moment": "visit", "calibration": "platt"}, "after": {"moment": "any", "calibration": "piecewise"}}


def main(arguments: list[str] | None = None) -> None:
    """Parses the command line, asks all predictors of all shops, prints and writes the tables."""
    options = _parser().parse_args(arguments)
    words = shlex.join(["python", "benchmarks/as_asked.py", *_words(options)])
    record: dict[str, Any] = {"command": words, "versions": versions(), "shops": {}}
    if options.json and options.json.exists():
        record["shops"] = json.loads(options.json.read_text())["shops"]
    for name in options.shops.split(","):
        with tempfile.TemporaryDirectory() as folder:
            dataset = SHOPS[name](options.data, Path(folder) / "data")
            shop = record["shops"].setdefault(name, {"tables": {}})
            if shop.get("data", dataset.data_hash) != dataset.data_hash:
                sys.exit(f"{options.json} speaks of other data of {name}: choose another file")
            shop |= {"data": dataset.data_hash, "users": dataset.n_users, "items": dataset.n_items}
            print(f"\n{name}: {dataset.n_users:,} shoppers, {dataset.n_items:,} items, data {dataset.data_hash[:12]}")
            shop["per_million"] = _rates(dataset, options.pairs)
            for part, rates in shop["per_million"].items():
                print(f"came of a million pairs, {part}: {' '.join(f'{rate:,.0f}' for rate in rates)}")
            for way in options.ways.split(","):
                for model in options.models.split(","):
                    if model in shop["tables"].get(way, {}):
                        continue
                    _one(dataset, model, way, WAYS[way], options, shop["tables"])
                    if options.json:
                        write_text_atomic(options.json, json.dumps(record, indent=1) + "\n")


def _one(
    dataset: Dataset,
    model: str,
    way: str,
    settings: dict[str, str],
    options: argparse.Namespace,
    tables: dict[str, Any],
) -> None:
    """One predictor of one shop, made in one way, asked the whole question."""
    begun = time.perf_counter()
    behavior = BehaviorSettings(
        examples=ExampleSettings(moment=settings["moment"]), calibration=settings["calibration"],
        models=(model,), max_examples=options.examples,
    )  # fmt: skip
    try:
        name, predictor, test = _fitted(dataset, behavior, calibrated=way == "after")
    except ShopkeeperError as error:
        print(f"{way:6} {model:20} left out: {error.problem}")
        return
    asked = ExampleSettings(behaviors=predictor.settings.behaviors if predictor.settings else ())
    question = whole_question(dataset, asked, *test, options.pairs, 4)
    found = ask_whole({name: predictor}, Log(dataset), question, n_bootstrap=300)[name]
    print(line(way, name, found), f"  {time.perf_counter() - begun:.0f} s", flush=True)
    tables.setdefault(way, {})[name] = found.to_json()


def _fitted(dataset: Dataset, settings: BehaviorSettings, calibrated: bool) -> tuple[str, Predictor, tuple[int, int]]:
    """A predictor with its defaults, and the test part."""
    models = competing(dataset, settings)
    settings = settings.replace(examples=with_behaviors(settings.examples, dataset, models))
    parts = make_parts(dataset, settings, SplitSettings())
    (one,) = contestants(models, settings, len(parts.train))
    predictor, training = one.made({})
    predictor.fit(parts.train, parts.validation, training)
    if calibrated and parts.latest is not None:
        parts.latest.calibrate(predictor)
    return one.name, predictor, parts.moments["test"]


def _rates(dataset: Dataset, most: int) -> dict[str, list[float]]:
    """How many of a million pairs came, moment by moment: what a shop's own weeks differ by, no model foresees."""
    settings = BehaviorSettings(examples=ExampleSettings(moment="any"))
    moments, _ = part_moments(dataset, settings, SplitSettings())
    found = {}
    for part in ("validation", "test"):
        question = whole_question(dataset, settings.examples, *moments[part], most, 8)
        time, weight = question.examples.timestamp, question.weight.astype(np.float64)
        place = np.unique(time, return_inverse=True)[1]
        came = np.bincount(place, weight * question.examples.label)
        found[part] = (1e6 * came / np.bincount(place, weight)).round(1).tolist()
    return found


def line(way: str, model: str, found: AsAsked) -> str:
    """One row of the table."""
    deciles = " ".join("   -" if one.ratio is None else f"{one.ratio:4.2f}" for one in found.deciles)
    ratio = "-" if found.ratio is None else f"{found.ratio:.2f} [{found.low or 0:.2f}, {found.high or np.inf:.2f}]"
    return f"{way:6} {model:20} said {found.said:9,.1f} came {found.came:7,.0f} ratio {ratio:22} deciles {deciles}"


def _public(name: str) -> Callable[[Path, Path], Dataset]:
    return lambda data, work: load(data / name, work, BehaviorSettings())[0]


def _grocery(data: Path, work: Path) -> Dataset:
    from shopkeeper.jobs.grocery import grocery_tables

    del data
    events, catalog = grocery_tables()
    log = Events.read(events, build(EventsSettings, {"event_type": "purchase"}))
    return prepare(log, Catalog.read(catalog), PrepareSettings(), work)


def _made_up(rows: Callable[[np.random.Generator], list[tuple[int, int, float, str]]]) -> Callable[..., Dataset]:
    def made(data: Path, work: Path) -> Dataset:
        import pyarrow as pa

        del data
        user, item, day, kind = zip(*sorted(rows(np.random.default_rng(0)), key=lambda row: row[2]), strict=True)
        seconds = (np.array(day) * DAY).astype("timedelta64[s]").astype("timedelta64[us]")
        table = pa.table(
            {
                "user_id": [f"u{one}" for one in user], "item_id": [f"i{one}" for one in item],
                "event_type": list(kind), "timestamp": START + seconds,
            }
        )  # fmt: skip
        return prepare(Events.read(table, EventsSettings()), None, PrepareSettings(), work)

    return made


def slow(rng: np.random.Generator) -> list[tuple[int, int, float, str]]:
    """1,500 shoppers who come about once in 40 days and take one or two things that they like."""
    share, rows = rng.gamma(0.7, size=40), []
    for user in range(1500):
        taste = _shares(share * rng.gamma(0.5, size=40))
        day = rng.exponential(40)
        while day < 300:
            rows += [(user, item, day, "purchase") for item in set(rng.choice(40, 2, p=taste).tolist())]
            day += rng.exponential(40)
    return rows


def daily(rng: np.random.Generator) -> list[tuple[int, int, float, str]]:
    """300 households that come every few days and take much of what they always take."""
    share, rows = rng.gamma(0.5, size=200), []
    for user in range(300):
        taste, gap = _shares(share * rng.gamma(0.3, size=200)), rng.uniform(1.5, 6)
        day = rng.uniform(0, gap)
        while day < 120:
            at = int(day) + rng.uniform(8, 20) / 24
            rows += [
                (user, item, at, "purchase") for item in set(rng.choice(200, rng.poisson(4) + 1, p=taste).tolist())
            ]
            day += rng.gamma(3, gap / 3)
    return rows


def growing(rng: np.random.Generator) -> list[tuple[int, int, float, str]]:
    """A shop of sessions with views, carts and purchases that gains shoppers and items, and has a season."""
    born, share, rows = np.sort(rng.uniform(-200, 240, 300)), rng.gamma(0.6, size=300), []
    for user in range(3000):
        day, taste, rate = 240 * rng.uniform() ** 0.5, share * rng.gamma(0.3, size=300), rng.gamma(2, 0.5)
        while day < 240:
            wave, at = 0.3 * np.sin(day / 240 * 4 * np.pi), day
            there = _shares(taste * (born < day) * np.exp(-np.maximum(day - born, 0) / 200))
            for item in rng.choice(300, rng.poisson(3) + 1, p=there).tolist():
                for kind, chance in (("view", 1.0), ("cart", 0.2), ("purchase", 0.4 * (1 + wave))):
                    if rng.uniform() > chance:
                        break
                    rows.append((user, item, at, kind))
                    at += rng.exponential(1 / 1440)
            day += rng.exponential(20 / rate * (1 - wave))
    return rows


def _shares(weights: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    shares: np.ndarray[Any, Any] = (weights + 1e-12) / (weights + 1e-12).sum()
    return shares


SHOPS: dict[str, Callable[[Path, Path], Dataset]] = {
    "slow": _made_up(slow), "daily": _made_up(daily), "growing": _made_up(growing), "grocery": _grocery,
    "retailrocket": _public("retailrocket"), "online-retail": _public("online-retail"),
}  # fmt: skip


def _words(options: argparse.Namespace) -> list[str]:
    return ["--data", "SHARED", "--shops", options.shops, "--models", options.models, "--ways", options.ways,
            "--examples", str(options.examples), "--pairs", str(options.pairs)]  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the public logs")
    parser.add_argument("--shops", default=",".join(SHOPS), help="by comma")
    parser.add_argument("--models", default=CLASSICAL, help="by comma")
    parser.add_argument("--ways", default=",".join(WAYS), help="before, after or both, by comma")
    parser.add_argument("--examples", type=int, default=300_000, help="at most about so many of each part")
    parser.add_argument("--pairs", type=int, default=500_000, help="about so many are asked about")
    parser.add_argument("--json", type=Path, help="where the record goes; what it has already stays in it")
    return parser


if __name__ == "__main__":
    main()

"""What a prediction costs: predictions a second from Python in batches of 256, and the wait for `POST /predictions`.

Predictors of purchases within 7 days are fitted for a moment on a generated log. Each is then asked in this process, on
features that are there and, for one shopper at a time, with the features made anew; and put into a bundle that
`shopkeeper serve` answers from: shoppers post an event and, once that is durable, ask about 100 random items, at a
fixed rate and as fast as they can, over HTTP on the loopback address.

    python benchmarks/predictions.py --events 1000000 --json OUT
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.figures import versions
from benchmarks.http_load import Turn, closed_loop, open_loop
from benchmarks.point_in_time import generate
from benchmarks.serving import resident_megabytes, server
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.make import make_examples
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.point_in_time.features import with_features
from shopkeeper.data.point_in_time.live import LiveFeatures
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.jobs.bundles import make_bundle
from shopkeeper.jobs.predictors import with_predictors
from shopkeeper.pipeline.predictions import by_name
from shopkeeper.predictors.base import Predictor
from shopkeeper.predictors.registry import predictor_class
from shopkeeper.recommenders.popular import MostPopular
from shopkeeper.serving.service import share_cores
from shopkeeper.training.settings import TrainingSettings

BATCH = 256
GOALS = {"predictions_a_second": 10_000, "answer_p99_ms": 20.0}
BRIEF = TrainingSettings(epochs=1, device="cpu")
MOST_EXAMPLES = 50_000


def main() -> None:
    """Fits, measures, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000, help="of the generated log")
    parser.add_argument("--models", default="LogisticRegression,GradientBoosting,RandomForest,MLP")
    parser.add_argument("--candidates", type=int, default=100, help="items of one question")
    parser.add_argument("--rate", type=float, default=20, help="turns a second where the wait is measured")
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement")
    parser.add_argument("--threads", type=int, default=1, help="of a network in this process; batches are small")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="shopkeeper-predictions-"))
    try:
        generate(options.events, folder / "log")
        log = Dataset.open(folder / "log")
        examples = _examples(log)
        results = [measure(name, log, examples, folder / name, options) for name in options.models.split(",")]
    finally:
        shutil.rmtree(folder)
    if options.json:
        command = f"python benchmarks/predictions.py --events {options.events} --seconds {options.seconds:g}"
        record = {"command": command, "versions": versions(), "candidates": options.candidates, "goals": GOALS}
        options.json.write_text(json.dumps(record | {"results": results}, indent=2) + "\n")


def _examples(log: Dataset) -> Examples:
    """Some examples of purchases within 7 days, with features."""
    made = make_examples(log, ExampleSettings(target="purchase", days=7, candidates="catalog"))
    places = np.random.default_rng(0).permutation(len(made))[:MOST_EXAMPLES]
    return with_features(log, made.take(np.sort(places)))


def measure(name: str, log: Dataset, examples: Examples, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Figures of one predictor, in this process and behind a real server."""
    predictor = predictor_class(name)().fit(examples, training=BRIEF)
    share_cores(options.threads)
    result: dict[str, Any] = {"model": predictor.name, "load": round(os.getloadavg()[0], 2)}
    result["predictions_a_second"] = _pace(lambda rows: predictor.predict_proba(examples.take(rows)), len(examples))
    result["with_live_features_a_second"] = _live_pace(predictor, log)
    parts = split(log, SplitSettings(kind="leave_one_out"))
    bundle = make_bundle(MostPopular().fit(parts.train), log, parts, BRIEF, [], 0.0)
    with_predictors(bundle, by_name([predictor])).save(folder / "bundle")
    turns = questions(log, options.candidates)
    with server(folder, workers=1) as (port, pid, ready):
        asyncio.run(closed_loop(port, turns, 1, 2.0, "/predictions"))  # warm
        result["at_rate"] = asyncio.run(
            open_loop(port, turns, options.rate, options.seconds, path="/predictions")
        ).figures()
        result["most"] = asyncio.run(closed_loop(port, turns, 4, options.seconds, "/predictions")).figures()
        result |= {"server_megabytes": resident_megabytes(pid), "ready_seconds": ready}
    print(line(result), flush=True)
    return result


def _pace(predict: Callable[[slice], Any], n: int, seconds: float = 3.0) -> float:
    """Predictions a second in batches, after one that is not counted."""
    predict(slice(0, BATCH))
    done, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        begin = done % max(1, n - BATCH)
        predict(slice(begin, begin + BATCH))
        done += BATCH
    return done / took


def _live_pace(predictor: Predictor, log: Dataset) -> float:
    """The same where the features of one shopper and 256 items are made for each batch."""
    live, generator = LiveFeatures(log), np.random.default_rng(0)
    now = int(np.asarray(log.histories.timestamp).max()) + 1
    price, quantity = np.asarray(log.price), np.asarray(log.quantity)

    def predict(_: slice) -> None:
        user = int(generator.integers(log.n_users))
        events = slice(*map(int, log.histories.offsets[user : user + 2]))
        items = generator.integers(1, log.n_items + 1, BATCH).astype(np.int32)
        own = log.histories.slice(user, user + 1)
        predictor.predict_proba(live.of(own, price[events], quantity[events], items, now))

    return _pace(predict, BATCH + 1)


def questions(log: Dataset, candidates: int) -> Turn:
    """A view by a random shopper, then a question of the same one about so many random items."""
    generator = np.random.default_rng(1)
    users, items = log.users.arrow.to_pylist(), log.items.arrow.to_pylist()

    def turn() -> tuple[bytes, bytes]:
        user = users[generator.integers(len(users))]
        asked = [items[place] for place in generator.integers(len(items), size=candidates)]
        event = {"user_id": user, "item_id": asked[0], "event_type": "view"}
        return json.dumps(event).encode(), json.dumps({"user_id": user, "item_ids": asked}).encode()

    return turn


def line(result: dict[str, Any]) -> str:
    """One row of the table."""
    rate, most = result["at_rate"], result["most"]
    return (
        f"{result['model']:<20} {result['predictions_a_second']:>10,.0f} predictions/s, with live features "
        f"{result['with_live_features_a_second']:>8,.0f}/s; POST /predictions at {rate['turns_a_second']:.0f}/s: p50 "
        f"{rate['answer_p50_ms']:.1f} p95 {rate['answer_p95_ms']:.1f} p99 {rate['answer_p99_ms']:.1f} ms; most "
        f"{most['turns_a_second']:,.0f} turns/s; {result['server_megabytes']:,.0f} MB; failures "
        f"{rate['failures'] + most['failures']}"
    )


if __name__ == "__main__":
    main()

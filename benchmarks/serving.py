"""What a shopper waits: the real server on the loopback address, a real client, an event and then recommendations.

For each model and size of the catalog a bundle is made of a generated log (the speed does not depend on what the model
learned, so it learns for seconds only), `shopkeeper serve` is started with SQLite beside it, and shoppers take turns:
`POST /events`, and once that is durable `POST /recommendations` of the same shopper, whose history has just changed.
Measured are the wait at a fixed rate, and the most turns a second. Beside it, in this process and without HTTP, a peer
answers the same question: `recommend` of implicit's ALS for a shopper whose history has just changed.

    python benchmarks/serving.py --items 10000,100000,1000000 --json OUT
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.http_load import closed_loop, open_loop, turns
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.jobs.bundles import make_bundle
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.popular import MostPopular
from shopkeeper.recommenders.sasrec import SASRec, SASRecConfig
from shopkeeper.recommenders.transitions import Transitions
from shopkeeper.training.settings import TrainingSettings

MODELS: dict[str, type[Recommender]] = {"popular": MostPopular, "transitions": Transitions, "sasrec": SASRec}
GOALS = {"popular": "1,000 turns a second", "transitions": "1,000 turns a second", "sasrec": "p99 < 25 ms at 100/s"}
EVENTS_A_SHOPPER = 20
BRIEF = TrainingSettings(epochs=1, max_targets_per_epoch=20_000, device="cpu", validation_users=50)
PATIENCE = 120
"""Seconds that a server may take to start."""
ADDRESS = re.compile(r"answers at http://127\.0\.0\.1:(\d+)")


def main() -> None:
    """Makes the bundles, loads the servers, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", default="100000", help="sizes of the catalog, separated by commas")
    parser.add_argument("--models", default="popular,transitions,sasrec")
    parser.add_argument("--workers", type=int, default=1, help="processes that answer")
    parser.add_argument("--rate", type=float, default=100, help="turns a second where the wait is measured")
    parser.add_argument("--shoppers", type=int, default=8, help="at once, where the most turns are measured")
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement")
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    results = []
    for n_items in map(int, options.items.split(",")):
        dataset = generated_log(n_items)
        for model in options.models.split(","):
            results.append({"items": n_items, "model": model, **measure(model, dataset, options)})
            print(line(results[-1]), flush=True)
        results.append({"items": n_items, "model": "implicit ALS, in process", **peer(dataset, options.k)})
        print(line(results[-1]), flush=True)
    if options.json:
        command = "python benchmarks/serving.py " + " ".join(sys.argv[1:])
        options.json.write_text(json.dumps({"command": command, "results": results}, indent=2) + "\n")


def generated_log(n_items: int, seed: int = 0) -> Dataset:
    """Five events an item by shoppers of twenty events; items by a power law, each with its neighbors in number."""
    generator = np.random.default_rng(seed)
    n_users = max(1000, 5 * n_items // EVENTS_A_SHOPPER)
    start = (generator.pareto(1.2, n_users) * n_items / 50).astype(np.int64)
    steps = generator.integers(-20, 21, (n_users, EVENTS_A_SHOPPER)).cumsum(axis=1)
    items = (start[:, None] + steps) % n_items + 1
    items[0, : min(EVENTS_A_SHOPPER, n_items)] = np.arange(1, min(EVENTS_A_SHOPPER, n_items) + 1)
    histories = Histories.of_items(list(items.astype(np.int32)))
    missing = np.setdiff1d(np.arange(1, n_items + 1), items)  # so that every item is in the catalog
    filled = Histories.joined([histories, Histories.of_items(list(missing.reshape(-1, 1).astype(np.int32)))])
    return Dataset(Vocabulary(range(1, len(filled) + 1)), Vocabulary(range(1, n_items + 1)), filled)


def bundle_of(model: str, dataset: Dataset, folder: Path) -> None:
    """Fits the model for a moment and saves the bundle; behind SASRec stand the transitions, as they do in a shop."""
    parts = split(dataset, SplitSettings(kind="leave_one_out"))
    main_model = SASRec(SASRecConfig(n_negatives=256)) if model == "sasrec" else MODELS[model]()
    members = [main_model] if model != "sasrec" else [main_model, Transitions()]
    pipeline = Pipeline(members).fit(parts.train, None, BRIEF)
    make_bundle(pipeline, dataset, parts, BRIEF, [], 0.0).save(folder)


def measure(model: str, dataset: Dataset, options: argparse.Namespace) -> dict[str, Any]:
    """Figures of one bundle behind a real server."""
    folder = Path(tempfile.mkdtemp(prefix="shopkeeper-serving-"))
    try:
        bundle_of(model, dataset, folder / "bundle")
        users, items = dataset.users.arrow.to_pylist()[:50_000], dataset.items.arrow.to_pylist()
        with server(folder, options.workers) as (port, pid, ready):
            asyncio.run(closed_loop(port, turns(users, items, options.k, 1), 2, 2.0))  # warm
            at_rate = asyncio.run(
                open_loop(port, turns(users, items, options.k, 2), options.rate, options.seconds)
            ).figures()
            most = asyncio.run(
                closed_loop(port, turns(users, items, options.k, 3), options.shoppers, options.seconds)
            ).figures()
            memory = resident_megabytes(pid)
        return {"at_rate": at_rate, "most": most, "server_megabytes": memory, "ready_seconds": ready}
    finally:
        shutil.rmtree(folder)


@contextmanager
def server(folder: Path, workers: int) -> Iterator[tuple[int, int, float]]:
    """A running server: its port, its process, and the seconds until it was ready."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "shopkeeper.cli.main", "serve", str(folder / "bundle"), "--port", "0",
               "--workers", str(workers), "--database", str(folder / "shop.db")]  # fmt: skip
    log = folder / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        while not (found := ADDRESS.search(log.read_text())):
            if process.poll() is not None or time.perf_counter() > began + PATIENCE:
                raise SystemExit(f"the server did not start:\n{log.read_text()}")
            time.sleep(0.05)
        yield int(found[1]), process.pid, time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def resident_megabytes(pid: int) -> float:
    """Resident memory of a process and its children, in units of 10^6 bytes."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    total = 0.0
    for one in [str(pid), *children]:
        status = Path(f"/proc/{one}/status").read_text()
        total += int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024 / 1e6  # type: ignore[index]
    return total


def peer(dataset: Dataset, k: int, n: int = 200) -> dict[str, Any]:
    """Milliseconds of implicit's `recommend` for a shopper whose history has just changed, without any HTTP."""
    from implicit.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix
    from threadpoolctl import threadpool_limits

    matrix = csr_matrix(dataset.interaction_matrix())
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(factors=64, iterations=1, random_state=0)
        model.fit(matrix, show_progress=False)
    generator = np.random.default_rng(0)
    took = []
    for user in generator.integers(dataset.n_users, size=n):
        row = matrix[int(user)].copy()
        row.indices[generator.integers(len(row.indices))] = generator.integers(1, dataset.n_items)
        began = time.perf_counter()
        model.recommend(int(user), row, N=k, recalculate_user=True)
        took.append((time.perf_counter() - began) * 1e3)
    return {"answer_p50_ms": float(np.percentile(took, 50)), "answer_p99_ms": float(np.percentile(took, 99))}


def line(result: dict[str, Any]) -> str:
    """One row of the table."""
    start = f"{result['items']:>9,} items  {result['model']:<12}"
    if "at_rate" not in result:
        return f"{start} p50 {result['answer_p50_ms']:.1f} ms, p99 {result['answer_p99_ms']:.1f} ms"
    rate, most = result["at_rate"], result["most"]
    return (
        f"{start} at {rate['turns_a_second']:.0f}/s: answer p50 {rate['answer_p50_ms']:.1f} p99 "
        f"{rate['answer_p99_ms']:.1f} ms, event p99 {rate['event_p99_ms']:.1f} ms; most {most['turns_a_second']:,.0f} "
        f"turns/s (answer p99 {most['answer_p99_ms']:.1f} ms); {result['server_megabytes']:,.0f} MB; "
        f"failures {rate['failures'] + most['failures']}; goal {GOALS[result['model']]}"
    )


if __name__ == "__main__":
    main()

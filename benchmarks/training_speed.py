"""One epoch of the same SASRec in Shopkeeper, RecBole and RecTools, side by side, and the memory of large catalogs.

    python benchmarks/training_speed.py --data FOLDER --json OUT

FOLDER holds `sequences.txt` (a line a shopper: `user item item ...`, oldest first). Every side learns from all but the
last two items of each shopper (two blocks of width 64 with two heads, length 50, softmax over all items, dropout .5)
and answers all shoppers about the item before the last: full ranking, nothing hidden. Each run is a process of its own,
the sides take turns, and the peers run in environments of their own that are made when first needed. Parts:

    epoch    one epoch and one evaluation of each side, beside the lower bound of the epoch's matrix products
    quality  RecBole for `--epochs` epochs, then the others until they reach the NDCG@10 that it has
    memory   sampled softmax over a million items; full softmax in chunks over 12, 100 and 300 thousand
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.epoch_bound import operations
from benchmarks.peers.environments import default_cache, python_of
from benchmarks.peers.reporting import read_sequences
from benchmarks.training_speed_table import bound_lines, epoch_lines, memory_line, quality_lines
from shopkeeper.artifacts import file_hash, write_text_atomic
from shopkeeper.errors import ShopkeeperError
from shopkeeper.machine import describe_processor, memory, usable_cores

HERE = Path(__file__).resolve().parent
OURS, REFERENCE = "shopkeeper", "recbole"
SIDES = (OURS, "recbole", "rectools")
PARTS = ("epoch", "quality", "memory")
MOST_EPOCHS = 16
"""Of a side that is to reach the reference's NDCG@10."""
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
SAMPLED_ITEMS, FULL_ITEMS = 1_000_000, (12_000, 100_000, 300_000)
MEMORY_TARGETS = {"sampled": 200_000, "full": 16_384}
"""Of each of two epochs; more would take longer, not more memory."""
QUICK_USERS, QUICK_ITEMS = 200, 40


def main(arguments: list[str] | None = None) -> None:
    """Runs the parts that were asked for, prints a table for each and writes all that was measured."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="shopkeeper-training-speed-") as folder:
        bench = Bench(options, Path(folder))
        for part in options.parts.split(","):
            {"epoch": bench.epoch, "quality": bench.quality, "memory": bench.memory}[part]()
            bench.write()


class Bench:
    """One benchmark: its options, what it reads, and what it has measured so far."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.sides = [OURS] if options.quick else options.sides.split(",")
        self.pythons = {OURS: Path(sys.executable), **dict(_assignment(text) for text in options.python)}
        self.found: dict[str, Any] = {}
        if unknown := {*self.sides} - {*SIDES} | {*options.parts.split(",")} - {*PARTS}:
            raise ShopkeeperError(f"unknown: {', '.join(sorted(unknown))}", expected=f"{SIDES}, {PARTS}")
        if {*options.parts.split(",")} != {"memory"}:
            if options.data is None and not options.quick:
                raise ShopkeeperError("there is no log to learn from", remedy="pass --data FOLDER, or --quick")
            self._read()
            for side in self.sides:
                self.pythons.setdefault(side, python_of(side, options.cache) if side != OURS else Path(sys.executable))

    def _read(self) -> None:
        """Links or makes the log, the only file that the sides see, and counts what an epoch must do."""
        (self.folder / "data").mkdir()
        log = self.folder / "data" / "sequences.txt"
        if self.options.quick:
            log.write_text(circle(), encoding="utf-8")
        else:
            log.symlink_to((self.options.data / "sequences.txt").resolve(strict=True))
        sequences = read_sequences(log.parent)
        n_inputs = np.array([len(items) - 3 for _, items in sequences])
        self.n_items = len({item for _, items in sequences for item in items[:-2]})
        self.found["data"] = {
            "name": "circle" if self.options.quick else self.options.data.resolve().name,
            "sha256": file_hash(log), "users": len(sequences), "items": self.n_items, "targets": int(n_inputs.sum()),
        }  # fmt: skip
        self.found["bound"] = {"operations": operations(n_inputs, self.n_items), "rates": []}

    def epoch(self) -> None:
        """An epoch and an evaluation of each side, in turn, the speed of the machine measured before each round."""
        runs: dict[str, list[dict[str, Any]]] = {side: [] for side in self.sides}
        self.found["epoch"] = runs
        for _ in range(self.options.repeats):
            self._measure_rate()
            for side in self.sides:
                runs[side].append(self._run_side(side, 1, None))
                self.write()
        self.found["bound"]["seconds"] = self._bound_seconds()
        print("\n".join(bound_lines(self.found["bound"]) + epoch_lines(runs, self.found["bound"]["seconds"])))

    def quality(self) -> None:
        """How long until the others have the NDCG@10 of the reference after so many epochs."""
        goal, runs = self.options.target, {}
        if goal is None:
            if REFERENCE not in self.sides:
                print(f"quality: left out, for want of {REFERENCE} or --target", file=sys.stderr)
                return
            runs[REFERENCE] = self._run_side(REFERENCE, self.options.epochs, None)
            goal = runs[REFERENCE]["epochs"][-1]["ndcg"]
        for side in self.sides:
            if side not in runs:
                runs[side] = self._run_side(side, MOST_EPOCHS, goal)
        self.found["quality"] = {"goal_ndcg@10": goal, "runs": runs}
        print("\n".join(quality_lines(goal, runs)))

    def memory(self) -> None:
        """Peak memory of training on generated logs of large catalogs, beside the bound that was said before."""
        quick = self.options.quick
        cases = [("sampled", 2_000 if quick else SAMPLED_ITEMS)]
        cases += [("full", n_items) for n_items in ((1_000,) if quick else FULL_ITEMS)]
        self.found["memory"] = []
        for loss, n_items in cases:
            log = self.folder / f"{n_items}.npy"
            command = [sys.executable, str(HERE / "training_memory.py"), "--log", str(log), "--items", str(n_items)]
            list(self._events([*command, "--generate"]))
            case: dict[str, Any] = {"loss": loss, "items": n_items}
            targets = MEMORY_TARGETS[loss] // (50 if quick else 1)
            flags = ["--loss", loss, "--targets", str(targets), "--threads", str(self.options.threads)]
            for event in self._events([*command, *flags]):
                case |= event
                print(memory_line(case), flush=True)
            self.found["memory"].append({name: value for name, value in case.items() if name != "event"})
            log.unlink()

    def write(self) -> None:
        """Writes what is known so far; of paths only the last name."""
        if self.options.json is None:
            return
        flags = ["--parts", self.options.parts, "--sides", ",".join(self.sides), "--epochs", str(self.options.epochs)]
        flags += ["--repeats", str(self.options.repeats), "--threads", str(self.options.threads)]
        flags += [word for change in self.options.set for word in ("--set", change)]
        flags += [] if self.options.target is None else ["--target", str(self.options.target)]
        data = [] if self.options.data is None else ["--data", self.options.data.resolve().name]
        data = ["--quick"] if self.options.quick else data
        command = shlex.join(["python", "benchmarks/training_speed.py", *data, *flags])
        versions = {name: version(name) for name in ("shopkeeper", "torch", "numpy", "scipy")}
        content = {"command": command, "machine": machine(), "versions": versions, **self.found}
        write_text_atomic(self.options.json, json.dumps(content, indent=1) + "\n")

    def _run_side(self, side: str, epochs: int, stop_at: float | None) -> dict[str, Any]:
        """Runs a side in a process of its own: what it said when ready, and its epochs."""
        script = HERE / "peers" / f"{side}_sasrec.py"
        work = Path(tempfile.mkdtemp(dir=self.folder))
        command = [str(self.pythons[side]), str(script), "--data", str(self.folder / "data"), "--work", str(work)]
        command += ["--epochs", str(epochs), "--threads", str(self.options.threads)]
        command += [] if stop_at is None else ["--stop-at", repr(stop_at)]
        if side == OURS:
            command += [word for change in self.options.set for word in ("--set", change)]
        run: dict[str, Any] = {"load_before": os.getloadavg()[0], "epochs": []}
        for event in self._events(command):
            kind = event.pop("event")
            print(f"{side} {kind}: {event}", file=sys.stderr, flush=True)
            if kind == "epoch":
                run["epochs"].append(event)
            else:
                run[kind] = event
        return run

    def _measure_rate(self) -> None:
        flags = ["--items", str(self.n_items), "--threads", str(self.options.threads)]
        flags += ["--side", "256"] if self.options.quick else []
        for event in self._events([sys.executable, str(HERE / "epoch_bound.py"), *flags]):
            self.found["bound"]["rates"].append({"square": event["square"], "logits": event["logits"]})

    def _bound_seconds(self) -> float:
        """All operations at the best speed that was seen in this run."""
        best = max(max(rate.values()) for rate in self.found["bound"]["rates"])
        return float(sum(self.found["bound"]["operations"].values()) / (best * 1e9))

    def _events(self, command: list[str]) -> Iterator[dict[str, Any]]:
        """What a process tells, as it tells it."""
        threads = dict.fromkeys(THREADS, str(self.options.threads))
        errors = self.folder / "errors.txt"
        with errors.open("w") as log:
            child = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **threads}, cwd=self.folder
            )  # some libraries write logs where they are
            assert child.stdout is not None  # noqa: S101
            try:
                for line in child.stdout:
                    yield json.loads(line)
                code = child.wait()
            finally:
                child.kill()
        if code:
            tail = "\n".join(errors.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
            raise ShopkeeperError(f"{Path(command[1]).name} ended with code {code}", got=tail)


def circle() -> str:
    """A tiny log: everybody walks the same circle of items."""
    starts = np.random.default_rng(0).integers(0, QUICK_ITEMS, QUICK_USERS)
    walks = (starts[:, None] + np.arange(10)) % QUICK_ITEMS + 1
    return "".join(f"{user + 1} {' '.join(map(str, walk))}\n" for user, walk in enumerate(walks))


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    total, _ = memory()
    return {
        **describe_processor(), "cores": usable_cores(),
        "memory_gb": None if total is None else round(total / 1e9, 1), "system": platform.system(),
        "load": [round(load, 2) for load in os.getloadavg()],
    }  # fmt: skip


def _assignment(text: str) -> tuple[str, Path]:
    """`NAME=PATH` of an option."""
    name, _, path = text.partition("=")
    return name, Path(path).absolute()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with sequences.txt; not needed for memory and --quick")
    parser.add_argument("--parts", default=",".join(PARTS), help="by comma")
    parser.add_argument("--memory", dest="parts", action="store_const", const="memory", help="that part alone")
    parser.add_argument("--sides", "--models", default=",".join(SIDES), help="by comma")
    parser.add_argument("--epochs", type=int, default=5, help="of the reference, in the part quality")
    parser.add_argument("--target", type=float, help="NDCG@10 to reach in the part quality, in place of the reference")
    parser.add_argument("--repeats", type=int, default=1, help="rounds of the part epoch; medians count")
    parser.add_argument("--threads", type=int, default=2, help="of every side")
    parser.add_argument("--set", action="append", default=[], help="a training setting of ours: batch_targets=512")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where environments of peers are kept")
    parser.add_argument("--python", action="append", default=[], metavar="PEER=PATH", help="one that is there")
    parser.add_argument("--quick", action="store_true", help="a tiny log and no peers: shows that it runs")
    parser.add_argument("--json", type=Path, help="where to write the results")
    return parser


if __name__ == "__main__":
    main()

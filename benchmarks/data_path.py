"""From a Parquet log with text ids to sorted integers on disk: `prepare` beside pandas, in time and memory.

Both sides do the same fixed work on the same generated log: drop exact duplicates, twice keep the shoppers and then the
items with at least five events, number ids in ascending order, sort by shopper and time, write ids and arrays. The
pandas side is what a careful user would write: Arrow strings, ids factorized first, then integers only, and the faster
of the sorts that were tried. Each run is a process of its own, imports included; the sides take turns; the results are
compared by hash. Times depend on what else the machine does: CPU seconds and the load stand beside them.

    python benchmarks/data_path.py --sizes 1,5,10,50 --repeats 1 --json OUT
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

MILLION = 1_000_000
CORE, ROUNDS = 5, 2
ARRAYS = ("offsets", "item_index", "event_type", "timestamp")
TYPES = ("view", "cart", "purchase")
START, YEAR_MS = 1_700_000_000_000_000, 365 * 86_400 * 1000
GOAL_SPEED, GOAL_MEMORY = 4.0, 1 / 3


def main() -> None:
    """Runs one side (as a child) or the whole comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1,5,10,50", help="millions of events, separated by commas")
    parser.add_argument("--repeats", type=int, default=1, help="runs of each side; the median counts")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--folder", type=Path, help="where generated data go; deleted afterwards")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        work, source, target = options.child
        CHILDREN[work](source, Path(target))
        return
    folder = Path(tempfile.mkdtemp(prefix="shopkeeper-data-path-", dir=options.folder))
    try:
        results = [compare(float(size), options.repeats, folder) for size in options.sizes.split(",")]
    finally:
        shutil.rmtree(folder)
    print_table(results)
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "results": results}, indent=2) + "\n")


def compare(millions: float, repeats: int, folder: Path) -> dict[str, Any]:
    """Generates a log and runs both sides on it in turn."""
    source = folder / f"{millions:g}.parquet"
    call("generate", str(round(millions * MILLION)), str(source))
    runs: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for _ in range(repeats):
        for side in SIDES:
            runs[side].append(measure(side, source, folder / side))
            print(f"{millions:g} M {side}: {runs[side][-1]}", file=sys.stderr, flush=True)
    result: dict[str, Any] = {"millions": millions, "source_bytes": source.stat().st_size, "runs": runs}
    for side in SIDES:
        good = [run for run in runs[side] if run["exit"] == 0]
        names = ("seconds", "cpu_seconds", "peak_gb")
        result[side] = {name: statistics.median(run[name] for run in good) for name in names} if good else None
    hashes = {run["hash"] for side in SIDES for run in runs[side] if run["exit"] == 0}
    result["same_rows"] = len(hashes) == 1
    source.unlink()
    return result


def measure(side: str, source: Path, target: Path) -> dict[str, Any]:
    """Runs one side in a process of its own."""
    shutil.rmtree(target, ignore_errors=True)
    load = os.getloadavg()[0]
    begin = time.perf_counter()
    code, usage = call(side, str(source), str(target))
    seconds = time.perf_counter() - begin
    done = code == 0
    return {
        "exit": code,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_gb": round(usage.ru_maxrss / 2**20, 3),
        "load_before": round(load, 2),
        "rows": len(np.load(target / "item_index.npy", mmap_mode="r")) if done else None,
        "hash": result_hash(target) if done else None,
    }


def call(work: str, source: str, target: str) -> tuple[int, resource.struct_rusage]:
    """Does a piece of work in a process of its own: its exit code and what it used.

    Linux hands the peak memory of a process on to its children, so this one must stay small: it generates nothing and
    hashes by pieces.
    """
    child = subprocess.Popen([sys.executable, __file__, "--child", work, source, target])
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage


def generate(n_events: int | str, file: Path, seed: int = 0) -> None:
    """Writes a log in no order: about 12 events a user, items by Zipf's law, 5 % of the rows twice."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    n_events, rng = int(n_events), np.random.default_rng(seed)
    n_users, n_items = max(1, n_events // 12), min(200_000, max(100, n_events // 50))
    distinct = n_events - n_events // 20
    users = pa.array(np.char.add("user-", np.char.zfill(np.arange(n_users).astype("U7"), 7)))
    items = pa.array(np.char.add("item-", np.char.zfill(np.arange(n_items).astype("U6"), 6)))
    share = np.cumsum(1 / np.arange(1, n_items + 1))
    columns = [
        rng.integers(0, n_users, distinct, dtype=np.int32),
        rng.permutation(n_items).astype(np.int32)[np.searchsorted(share, rng.random(distinct) * share[-1])],
        rng.choice(len(TYPES), distinct, p=[0.8, 0.12, 0.08]).astype(np.int8),
        rng.integers(0, YEAR_MS, distinct) * 1000 + START,
    ]
    twice = rng.integers(0, distinct, n_events - distinct)
    order = rng.permutation(n_events)
    user, item, kind, moment = (np.concatenate([values, values[twice]])[order] for values in columns)
    names = ["user_id", "item_id", "event_type", "timestamp"]
    writer = None
    for begin in range(0, n_events, MILLION):
        part = slice(begin, begin + MILLION)
        moments = pa.array(moment[part], pa.timestamp("us", "UTC"))
        arrays = [users.take(user[part]), items.take(item[part]), pa.array(TYPES).take(kind[part]), moments]
        table = pa.table(arrays, names=names)
        writer = writer or pq.ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def with_shopkeeper(source: str, target: Path) -> None:
    """The real thing, with the steps turned off that the other side does not do."""
    from shopkeeper.config import build
    from shopkeeper.data.events import Events
    from shopkeeper.data.prepare import PrepareSettings, prepare

    settings = {
        "split": {"kind": "leave_one_out"},
        "drop_non_products": False,
        "bots": {"drop": False},
        "outliers": {"drop": False},
        "net_returns": False,
        "k_core": {"min_user_events": CORE, "min_item_events": CORE, "max_rounds": ROUNDS},
    }
    prepare(Events.read(source), None, build(PrepareSettings, settings), target)


def with_pandas(source: str, target: Path) -> None:
    """The same work in pandas."""
    import pandas as pd

    codes = {"view": 2, "cart": 4, "purchase": 5}
    target.mkdir()
    frame = pd.read_parquet(source)
    ids = {}
    for name in ("user", "item"):
        numbers, ids[name] = pd.factorize(frame.pop(f"{name}_id"), sort=True)
        frame[name] = (numbers + 1).astype("int32")
        del numbers
    numbers, words = pd.factorize(frame.pop("event_type"))
    frame["event_type"] = np.array([codes[word] for word in words], dtype="uint8")[numbers]
    del numbers
    frame = frame.drop_duplicates()
    for _ in range(ROUNDS):
        frame = frame[frame.groupby("user")["item"].transform("size") >= CORE]
        frame = frame[frame.groupby("item")["user"].transform("size") >= CORE]
    frame = frame.sort_values("timestamp", kind="stable").sort_values("user", kind="stable")
    for name in ("user", "item"):
        present = np.zeros(len(ids[name]) + 1, dtype=bool)
        present[frame[name]] = True
        pd.DataFrame({"id": ids[name][present[1:]]}).to_parquet(target / f"{name}s.parquet")
        frame[name] = np.cumsum(present, dtype="int32")[frame[name]]
    lengths = np.bincount(frame["user"])[1:]
    np.save(target / "offsets.npy", np.concatenate([[0], np.cumsum(lengths)]))
    np.save(target / "item_index.npy", frame["item"].to_numpy())
    np.save(target / "event_type.npy", frame["event_type"].to_numpy())
    np.save(target / "timestamp.npy", frame["timestamp"].dt.tz_localize(None).to_numpy().view("int64"))


SIDES = {"shopkeeper": with_shopkeeper, "pandas": with_pandas}
CHILDREN: dict[str, Callable[[str, Path], None]] = {**SIDES, "generate": generate}


def result_hash(target: Path) -> str:
    """SHA-256 over ids and arrays that a side has written."""
    import pyarrow.parquet as pq

    digest = hashlib.sha256()
    for name in ARRAYS:
        values = np.load(target / f"{name}.npy", mmap_mode="r")
        digest.update(f"{name} {values.dtype} {values.shape}".encode())
        for begin in range(0, len(values), MILLION):
            digest.update(np.ascontiguousarray(values[begin : begin + MILLION]).data)
    for name in ("users", "items"):
        for batch in pq.ParquetFile(target / f"{name}.parquet").iter_batches(columns=["id"]):
            digest.update("\n".join(batch.column("id").to_pylist()).encode())
    return digest.hexdigest()


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    from importlib.metadata import version

    from shopkeeper.machine import describe_processor

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        **describe_processor(),
        "cores": cores,
        "load": [round(load, 2) for load in os.getloadavg()],
        "versions": {name: version(name) for name in ("duckdb", "ibis-framework", "numpy", "pandas", "pyarrow")},
    }


def print_table(results: list[dict[str, Any]]) -> None:
    """A row a size, pandas beside ours, and the two ratios of the goal."""
    print(f"{'':>10} | {'shopkeeper':^23} | {'pandas':^23} | pandas / ours")
    print(f"{'events':>10} | {'wall s':>7} {'CPU s':>7} {'GB':>7} | {'wall s':>7} {'CPU s':>7} {'GB':>7} |"
          f" {'wall':>5} {'CPU':>5} {'memory':>6}  same rows")  # fmt: skip
    for result in results:
        ours, theirs = result["shopkeeper"], result["pandas"]
        cells = [side_cells(side) for side in (ours, theirs)]
        ratios = f"{'-':>5} {'-':>5} {'-':>6}"
        if ours and theirs:
            wall, cpu, memory = (theirs[name] / ours[name] for name in ("seconds", "cpu_seconds", "peak_gb"))
            ratios = f"{wall:5.1f} {cpu:5.1f} {memory:6.1f}"
        print(
            f"{result['millions']:>8g} M | {cells[0]} | {cells[1]} | {ratios}  {'yes' if result['same_rows'] else 'NO'}"
        )
    print(
        f"goal at the largest size: wall {GOAL_SPEED:g}, memory {1 / GOAL_MEMORY:g}; load average {machine()['load']}"
    )


def side_cells(side: dict[str, float] | None) -> str:
    """The three figures of a side, or that it did not finish."""
    if side is None:
        return f"{'did not finish':^23}"
    return f"{side['seconds']:7.1f} {side['cpu_seconds']:7.1f} {side['peak_gb']:7.2f}"


if __name__ == "__main__":
    main()

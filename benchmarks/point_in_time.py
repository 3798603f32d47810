"""Features as of the moment, beside pandas: one example for each event of a generated log, in time and memory.

Both sides read the same prepared log (integers, sorted by shopper and time) and make the same columns, four bytes each:
what the shopper, the item and the two together had done strictly before. The pandas side is what a careful user would
write: `groupby` with `cumsum` and `cumcount`, shifted values filled forward, `merge_asof` for the windows of days
(faster than `rolling`). To spare it the care for ties no two events have the same time. Each run is a process of its
own; the sides take turns; all columns are compared. Peak memory includes the libraries and the result.

    python benchmarks/point_in_time.py --sizes 1,10 --repeats 3 --json OUT
"""

from __future__ import annotations

import argparse
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

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

MILLION = 1_000_000
GOAL = 5.0
TOLERANCE = 1e-3
"""Largest difference of two columns, relative to 1 or to the value, whatever is more; sums are rounded differently."""


def main() -> None:
    """Runs one side (as a child) or the whole comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1", help="millions of events, separated by commas")
    parser.add_argument("--repeats", type=int, default=1, help="runs of each side; the median counts")
    parser.add_argument("--sides", default="shopkeeper,pandas")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--folder", type=Path, help="where generated data go; deleted afterwards")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        work, source, target = options.child
        CHILDREN[work](source, Path(target))
        return
    folder = Path(tempfile.mkdtemp(prefix="shopkeeper-point-in-time-", dir=options.folder))
    try:
        results = [
            compare(float(size), options.repeats, options.sides.split(","), folder) for size in options.sizes.split(",")
        ]
    finally:
        shutil.rmtree(folder)
    for result in results:
        print(row_of(result))
    if options.json:
        from benchmarks.figures import versions

        command = f"python benchmarks/point_in_time.py --sizes {options.sizes} --repeats {options.repeats}"
        record = {"command": command, "cores": os.cpu_count(), "versions": versions(), "goal": GOAL, "results": results}
        options.json.write_text(json.dumps(record, indent=2) + "\n")


def compare(millions: float, repeats: int, sides: list[str], folder: Path) -> dict[str, Any]:
    """Generates a log and runs the sides on it in turn."""
    source = folder / f"{millions:g}"
    call("generate", str(round(millions * MILLION)), str(source))
    runs: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
    for _ in range(repeats):
        for side in sides:
            runs[side].append(measure(side, source, folder / side))
            print(f"{millions:g} M {side}: {runs[side][-1]}", file=sys.stderr, flush=True)
    result: dict[str, Any] = {"millions": millions, "runs": runs}
    for side in sides:
        result[side] = {
            name: statistics.median(run[name] for run in runs[side]) for name in ("seconds", "cpu_seconds", "peak_gb")
        }
    if len(sides) == 2:
        result["speed"] = round(result["pandas"]["seconds"] / result["shopkeeper"]["seconds"], 2)
        result["memory"] = round(result["pandas"]["peak_gb"] / result["shopkeeper"]["peak_gb"], 2)
        result["columns"], result["largest_difference"] = difference(folder / "shopkeeper", folder / "pandas")
        result["equal"] = result["largest_difference"] < TOLERANCE
    shutil.rmtree(source)
    return result


def measure(side: str, source: Path, target: Path) -> dict[str, Any]:
    """Runs one side in a process of its own."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    usage = call(side, str(source), str(target))
    told: dict[str, Any] = json.loads((target / "told.json").read_text())
    return told | {"peak_gb": round(usage.ru_maxrss / 2**20, 3), "load": round(os.getloadavg()[0], 2)}


def call(work: str, source: str, target: str) -> resource.struct_rusage:
    """Does a piece of work in a process of its own; gives what it used.

    Linux hands the peak memory of a process on to its children, so this one must stay small.
    """
    child = subprocess.Popen([sys.executable, __file__, "--child", work, source, target])
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{work} ended with {child.returncode}")
    return usage


def generate(n_events: int | str, folder: Path, seed: int = 0) -> None:
    """Writes a log: shoppers and items by Zipf-like laws, visits around each shopper's own time, a catalog."""
    import pyarrow as pa

    from shopkeeper.data.catalog import Catalog
    from shopkeeper.data.dataset import Dataset
    from shopkeeper.data.histories import Histories
    from shopkeeper.data.schema import EventType
    from shopkeeper.data.vocabulary import Vocabulary

    n_events, rng = int(n_events), np.random.default_rng(seed)
    n_users, n_items = max(10, n_events // 12), min(100_000, max(100, n_events // 50))
    user = np.minimum((n_users * rng.random(n_events) ** 1.5).astype(np.int64), n_users - 1)
    share = np.cumsum(1 / np.arange(1, n_items + 1) ** 0.8)
    item = rng.permutation(n_items)[np.searchsorted(share, rng.random(n_events) * share[-1])] + 1
    time_ = np.sort(rng.choice(365 * 86_400 * 1000, n_events, replace=False)) if n_events < MILLION else distinct(
        rng, n_events, 365 * 86_400 * 1000
    )  # fmt: skip
    time_ = 1_700_000_000_000_000 + rng.permutation(time_) * 1000
    order = np.lexsort((time_, user))
    category = rng.integers(0, 200, n_items)
    listed = np.round(np.exp(rng.normal(2.5, 1, n_items)), 2)
    price = (listed[item - 1] * rng.choice([0.8, 0.9, 1.0], n_events)).astype(np.float32)
    catalog = {
        "item_id": np.arange(n_items),
        "brand": [f"brand {number}" for number in rng.integers(0, max(10, n_items // 50), n_items)],
        "category": [f"department {number % 20} > category {number}" for number in category],
        "price": listed,
    }
    kind = rng.choice(np.array([kind.code for kind in (EventType.VIEW, EventType.CART, EventType.PURCHASE)]), n_events,
                      p=[0.85, 0.1, 0.05])  # fmt: skip
    offsets = np.concatenate([[0], np.cumsum(np.bincount(user, minlength=n_users))]).astype(np.int64)
    Dataset(
        Vocabulary(np.arange(n_users)),
        Vocabulary(np.arange(n_items)),
        Histories(offsets, item[order].astype(np.int32), kind[order].astype(np.uint8), time_[order]),
        quantity=rng.integers(1, 4, n_events).astype(np.float32),
        price=price[order],
        catalog=Catalog(pa.table(catalog)),
    ).save(folder)


def distinct(rng: np.random.Generator, n: int, below: int) -> Any:
    """So many distinct numbers, ascending, int64 [n]."""
    found = np.unique(rng.integers(0, below, n + n // 10))
    return np.sort(rng.permutation(found)[:n])


def with_shopkeeper(source: str, target: Path) -> None:
    """Opens the log, makes an example of each event, and its features."""
    begin, used = time.perf_counter(), time.process_time()
    from shopkeeper.data.dataset import Dataset
    from shopkeeper.data.examples.examples import Examples
    from shopkeeper.data.point_in_time.features import point_in_time_features

    log = Dataset.open(Path(source))
    examples = Examples(
        (log.histories.rows + 1).astype(np.int32),
        np.asarray(log.histories.item_index),
        np.asarray(log.histories.timestamp),
        np.zeros(log.n_events, dtype=np.float32),
    )
    table = point_in_time_features(log, examples)
    tell(target, begin, used)
    for name in table.names:
        np.save(target / f"{name}.npy", table.column(name))


def with_pandas(source: str, target: Path) -> None:
    """The same columns."""
    begin, used = time.perf_counter(), time.process_time()
    from benchmarks.peers.pandas_features import features_of

    columns = features_of(Path(source))
    tell(target, begin, used)
    for name, values in columns.items():
        np.save(target / f"{name}.npy", values)


def tell(target: Path, begin: float, used: float) -> None:
    """Leaves the times for the parent."""
    seconds, cpu = time.perf_counter() - begin, time.process_time() - used
    (target / "told.json").write_text(json.dumps({"seconds": round(seconds, 2), "cpu_seconds": round(cpu, 2)}))


CHILDREN: dict[str, Callable[[str, Path], None]] = {
    "shopkeeper": with_shopkeeper, "pandas": with_pandas, "generate": generate,
}  # fmt: skip


def difference(ours: Path, theirs: Path) -> tuple[int, float]:
    """Number of columns, and the largest difference of any, relative to 1 or the value; infinite where one lacks it."""
    names = {file.name for folder in (ours, theirs) for file in folder.glob("*.npy")}
    worst = 0.0
    for name in sorted(names):
        if not ((ours / name).exists() and (theirs / name).exists()):
            print(f"{name} is on one side only", file=sys.stderr)
            return len(names), float("inf")
        one, other = (np.load(folder / name, mmap_mode="r") for folder in (ours, theirs))
        for start in range(0, len(one), MILLION):
            a, b = (np.asarray(side[start : start + MILLION], dtype=np.float64) for side in (one, other))
            gap = np.where(np.isnan(a) & np.isnan(b), 0.0, np.abs(a - b) / np.maximum(1.0, np.abs(b)))
            far = float(np.nan_to_num(gap, nan=np.inf).max())
            if far >= TOLERANCE:
                place = int(np.nan_to_num(gap, nan=np.inf).argmax())
                print(f"{name} differs at {start + place}: {a[place]} and {b[place]}", file=sys.stderr)
            worst = max(worst, far)
    return len(names), worst


def row_of(result: dict[str, Any]) -> str:
    """One line of the table."""
    cells = [f"{result['millions']:g} M events"]
    for side in ("shopkeeper", "pandas"):
        if side in result:
            told = result[side]
            cells.append(
                f"{side} {told['seconds']:.1f} s, {told['cpu_seconds']:.1f} s of CPU, {told['peak_gb']:.2f} GB"
            )
    if "speed" in result:
        cells.append(f"{result['speed']:.1f} times faster, {result['memory']:.1f} times less memory")
        cells.append(f"{result['columns']} columns {'equal' if result['equal'] else 'DIFFERENT'}")
    return " | ".join(cells)


if __name__ == "__main__":
    main()

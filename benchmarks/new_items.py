"""How soon a new product is recommended: the real server, `POST /items`, and recommendations until it comes out.

The catalog is made of the titles, brands and categories of a data set, each title in several variants, and the log is
generated, so that items with near numbers go together (the speed does not depend on what was bought). A bundle of
transitions with the encoder that `shopkeeper train` would choose is served by `shopkeeper serve` with SQLite beside it.
Then, one after the other, products are posted that were never seen: another variant of what some shopper of the log
took next. After each, the history of that shopper until then is asked for a hundred recommendations, again and again
until the product is among them. Then it is sold out, comes back, and is removed, each until the answers say so. With
two workers the one that answers is not the one that took the product. A product that a hundred others stand before does
not come out at all; such are counted.

    python benchmarks/new_items.py --data FOLDER --json OUT
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.serving import EVENTS_A_SHOPPER, generated_log, resident_megabytes, server
from shopkeeper.artifacts import artifact_exists
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.schema import BRAND, CATEGORY, TITLE
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.features.settings import ItemFeatureSettings
from shopkeeper.jobs.bundles import make_bundle
from shopkeeper.jobs.newcomers import NewcomerSettings, item_encoder
from shopkeeper.machine import usable_cores
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.recommenders.transitions import Transitions
from shopkeeper.training.settings import TrainingSettings

VARIANTS: Final = (
    "", "travel size", "family size", "pack of 2", "pack of 3", "refill", "gift set", "unscented", "limited edition",
)  # fmt: skip
NEW: Final = ("sample", "trial size", "new formula", "value pack", "deluxe edition", "pack of 6")
HISTORY: Final = 5
"""Events of a shopper that recommendations are asked for."""
LENGTH: Final = 100
"""Recommendations of one answer."""
GIVE_UP: Final = 5.0
"""Seconds after which something that does not come out never will."""


def main() -> None:
    """Makes the bundle, posts the products, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with catalog.parquet: title, brand, category")
    parser.add_argument("--items", type=int, default=100_000, help="size of the catalog")
    parser.add_argument("--posts", type=int, default=200, help="new products, one after the other")
    parser.add_argument("--earlier", default="0,1000", help="products posted before, all at once; separated by commas")
    parser.add_argument("--workers", default="1,2", help="processes that answer, separated by commas")
    parser.add_argument("--bundle", type=Path, help="the bundle of a run before with as many items; made if not there")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    rows = Catalog.read(options.data / "catalog.parquet").table.to_pylist()
    folder = Path(tempfile.mkdtemp(prefix="shopkeeper-new-items-"))
    results = []
    try:
        log = generated_log(options.items)
        made = folder / "bundle" if options.bundle is None else options.bundle.absolute()
        facts = Bundle.load(made).card.newcomers if artifact_exists(made) else bundle_of(rows, log, made)
        if options.bundle is not None:
            (folder / "bundle").symlink_to(made)
        print(f"{options.items:,} items, {facts}", flush=True)
        for workers in map(int, options.workers.split(",")):
            for earlier in map(int, options.earlier.split(",")):
                results.append(measure(folder, Shop(rows, log), workers, earlier, options.posts))
                print(line(results[-1]), flush=True)
    finally:
        shutil.rmtree(folder)
    if options.json:
        flags = (
            f"--items {options.items} --posts {options.posts} --earlier {options.earlier} --workers {options.workers}"
        )
        command = f"python benchmarks/new_items.py --data {options.data.resolve().name} {flags}"
        found = {
            "command": command,
            "items": options.items,
            "cores": usable_cores(),
            "bundle": facts,
            "results": results,
        }
        options.json.write_text(json.dumps(found, indent=2) + "\n")


def item_of(rows: Sequence[dict[str, Any]], number: int) -> dict[str, Any]:
    """Title, brand and category of item `number` (from 0): variants of one title have neighboring numbers."""
    row = rows[number // len(VARIANTS) % len(rows)]
    again = number // len(VARIANTS) // len(rows)
    words = [row[TITLE] or row[BRAND] or "Product", VARIANTS[number % len(VARIANTS)], f"no. {again}" if again else ""]
    return {TITLE: " ".join(filter(None, words)), BRAND: row[BRAND], CATEGORY: row[CATEGORY]}


def bundle_of(rows: Sequence[dict[str, Any]], log: Dataset, folder: Path) -> dict[str, Any]:
    """Fits and saves; gives what the card says of the encoder, and how long the whole catalog took it."""
    import pyarrow as pa

    table = pa.Table.from_pylist([item_of(rows, number) for number in range(log.n_items)])
    catalog = Catalog(table.add_column(0, "item_id", log.items.arrow))
    dataset: Dataset = replace(log, catalog=catalog)
    parts = split(dataset, SplitSettings(kind="leave_one_out"))
    pipeline = Pipeline.of_fitted([Transitions().fit(parts.train)])
    began = time.perf_counter()
    encoder = item_encoder(pipeline.recommenders, parts.train, NewcomerSettings(), ItemFeatureSettings())
    seconds = time.perf_counter() - began
    make_bundle(pipeline, dataset, parts, TrainingSettings(), [], 0.0, encoder).save(folder)
    return {**encoder[1], "encoding_seconds": seconds}


@dataclass(frozen=True)
class Shop:
    """Titles, and the log that the bundle learned.

    Attributes:
        rows: Of the catalog of the data set.
        log: Shoppers walk over near numbers.
    """

    rows: Sequence[dict[str, Any]]
    log: Dataset

    def product(self, generator: np.random.Generator) -> tuple[dict[str, Any], list[int]]:
        """A new variant of what some shopper took, and what that shopper took before."""
        shoppers = np.flatnonzero(self.log.histories.lengths == EVENTS_A_SHOPPER)
        walk = self.log.histories.items_of(int(generator.choice(shoppers)))
        taken = int(generator.integers(HISTORY, EVENTS_A_SHOPPER - 1))  # the last event is not in the training part
        number = int(walk[taken]) - 1
        row, facts = self.rows[number // len(VARIANTS) % len(self.rows)], item_of(self.rows, number)
        facts[TITLE] = f"{row[TITLE] or row[BRAND] or 'Product'} {generator.choice(NEW)}"
        return facts, walk[taken - HISTORY : taken].tolist()


def measure(folder: Path, shop: Shop, workers: int, earlier: int, posts: int) -> dict[str, Any]:
    """Figures of one server: milliseconds from the request to the first answer that knows of it."""
    for file in folder.glob("shop.db*"):
        file.unlink()
    generator = np.random.default_rng(0)
    took: dict[str, list[float]] = {}
    with server(folder, workers) as (port, pid, ready):
        before = resident_megabytes(pid)
        with connections(port, 1) as clients:
            bulk = post_many(clients[0], shop, earlier)
        with connections(port, workers) as clients:
            for step in range(posts):
                product = shop.product(generator)
                for name, milliseconds in life_of_one(clients[0], clients[-1], 10_000_000 + step, *product):
                    took.setdefault(name, []).append(milliseconds)
        memory = resident_megabytes(pid)
    never = {name: len(took.pop(name)) for name in list(took) if name.endswith("never")}
    figures = {name: figures_of(values) for name, values in took.items()}
    return {
        "workers": workers, "new_items_before": earlier, "posts": posts, "bulk_seconds": bulk, "milliseconds": figures,
        "never": never,
        "ready_seconds": ready, "server_megabytes_before": before, "server_megabytes": memory,
    }  # fmt: skip


def life_of_one(
    taker: HTTPConnection, answerer: HTTPConnection, item_id: int, facts: dict[str, Any], history: list[int]
) -> Iterator[tuple[str, float]]:
    """Posts a product, sells it out, removes it; what was done and milliseconds until an answer knew."""

    def shown() -> bool:
        found = ask(answerer, "POST", "/recommendations", {"history": history, "k": LENGTH})
        return item_id in [item["item_id"] for item in found["items"]]

    def until(what: str, change: Callable[[], Any], wanted: bool) -> Iterator[tuple[str, float]]:
        began = time.perf_counter()
        change()
        yield f"{what}: answered", (time.perf_counter() - began) * 1e3
        while shown() != wanted:
            if time.perf_counter() > began + GIVE_UP:
                yield f"{what}: never", 1.0
                return
        yield f"{what}: first answer that knows", (time.perf_counter() - began) * 1e3

    path = f"/items/{item_id}"
    found = list(
        until("new item", lambda: ask(taker, "POST", "/items", {"item_id": item_id, "price": 9.5} | facts), True)
    )
    yield from found
    if found[-1][0].endswith("never"):
        return
    yield from until("sold out", lambda: ask(taker, "PATCH", path, {"available": False}), False)
    yield from until("back again", lambda: ask(taker, "PATCH", path, {"available": True, "price": 7.5}), True)
    yield from until("removed", lambda: ask(taker, "DELETE", path), False)


def post_many(client: HTTPConnection, shop: Shop, n: int, at_once: int = 500) -> float:
    """Posts products of before; the seconds that it took."""
    generator = np.random.default_rng(1)
    numbers = generator.integers(shop.log.n_items, size=n).tolist()
    items = [{"item_id": 20_000_000 + place} | item_of(shop.rows, number) for place, number in enumerate(numbers)]
    began = time.perf_counter()
    for start in range(0, n, at_once):
        ask(client, "POST", "/items", items[start : start + at_once])
    return time.perf_counter() - began


def ask(client: HTTPConnection, method: str, path: str, body: Any = None) -> Any:
    """The answer as JSON.

    Raises:
        SystemExit: It is none of status 200.
    """
    client.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
    answer = client.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{method} {path}: {answer.status} {content[:300]!r}")
    return json.loads(content)


@contextmanager
def connections(port: int, workers: int) -> Iterator[list[HTTPConnection]]:
    """One connection to each worker."""
    found: dict[str, HTTPConnection] = {}
    with ExitStack() as stack:
        while len(found) < workers:
            client = HTTPConnection("127.0.0.1", port, timeout=60)
            client.request("GET", "/healthz")
            answer = client.getresponse()
            answer.read()
            worker = answer.headers["X-Worker"]
            if worker in found:
                client.close()
            else:
                found[worker] = client
                stack.callback(client.close)
        yield list(found.values())


def figures_of(values: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and the longest."""
    return {
        "median": statistics.median(values),
        "p95": float(np.percentile(values, 95)),
        "max": max(values),
    }


def line(result: dict[str, Any]) -> str:
    """One block of the table."""
    lines = [
        f"{result['workers']} worker(s), {result['new_items_before']:,} new items before (posted in "
        f"{result['bulk_seconds']:.1f} s), {result['posts']} posts, {result['server_megabytes']:,.0f} MB"
    ]
    for name, found in result["milliseconds"].items():
        lines.append(f"  {name:<38} median {found['median']:6.0f}  p95 {found['p95']:6.0f}  max {found['max']:6.0f} ms")
    lines += [f"  {name:<38} {count}" for name, count in result["never"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

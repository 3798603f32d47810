"""What it costs to read less of a history, what hiding costs, and what the events of many shoppers take in memory.

The first two are measured on the grocery purchases of the demo, prepared and split as there, on the test part: each
model is fitted once and asked with all that it may know, with the last 500, 200, 100 and 50 events, and with other
rules of hiding. The third fills the live histories of a service with made-up events.

    python benchmarks/histories.py --json benchmarks/results/histories.json | tee benchmarks/results/histories.txt
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from shopkeeper.config import load_settings
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.hiding import Hide
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Split
from shopkeeper.data.prepare import prepare
from shopkeeper.data.schema import EventType
from shopkeeper.data.split import split
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.evaluation.evaluate import evaluate
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.jobs.demo import DEMO_SETTINGS, grocery_inputs
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.recommenders.popular import MostPopular
from shopkeeper.serving.event_store.records import IdKinds, ShopEvent, StoredEvent
from shopkeeper.serving.event_store.store import EventStore
from shopkeeper.serving.profiles import Profiles

MODELS: Final = ("Transitions", "ItemKNN", "EASE", "ALS", "PersonalFrequency", "SASRec")
LENGTHS: Final = (None, 500, 200, 100, 50)
MEASURED: Final = EvaluationSettings(ks=(10,), metrics=("ndcg",), n_bootstrap=0, segments=False)
DAY: Final = 86_400_000_000


def figures(parts: Split, settings: ShopSettings, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """NDCG@10 of each model by how much it reads and by what is hidden."""
    for name in names:
        model = settings.recommender(name).fit(parts.train, parts.validation, settings.training)
        row: dict[str, Any] = {"model": name, "hidden": model.hiding.words}
        for length in LENGTHS:
            asked = parts.test if length is None else replace(parts.test, histories=parts.test.histories.last(length))
            row[f"reads {length or 'all'}"] = evaluate(model, asked, MEASURED).value("ndcg", 10)
        for hide in Hide:
            row[f"hides {hide.value}"] = evaluate(model, parts.test, MEASURED.replace(hide=hide)).value("ndcg", 10)
        yield row


def memory(n_users: int, n_events: int, n_items: int = 20_000) -> dict[str, Any]:
    """Megabytes of the live histories of made-up shoppers, four of five events views, and microseconds of a history."""
    rng = np.random.default_rng(0)
    base = Dataset(Vocabulary(["nobody"]), Vocabulary(range(n_items)), Histories.of_items([[1]]))
    with tempfile.TemporaryDirectory() as folder:
        store = EventStore.open(Path(folder) / "shop.db", IdKinds(user_integer=True, item_integer=True))
        profiles = Profiles(MostPopular().fit(base.with_items([])), store)
        kinds = [EventType.VIEW] * 8 + [EventType.CART, EventType.PURCHASE]
        tracemalloc.start()
        sequence = 0
        for user in range(n_users):
            items = rng.integers(0, n_items, n_events).tolist()
            chosen = rng.integers(0, len(kinds), n_events).tolist()
            events = [
                StoredEvent(sequence + place, ShopEvent("", user, item, kinds[kind], (sequence + place) * 1000))
                for place, (item, kind) in enumerate(zip(items, chosen, strict=True), start=1)
            ]
            sequence += n_events
            profiles.apply(events)
            profiles._ahead.clear()  # as catching up with the store does
        used = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        began = time.perf_counter()
        for user in range(1000):
            profiles.history(user % n_users)
        seconds = time.perf_counter() - began
        store.close()
    return {"users": n_users, "events_a_user": n_events, "megabytes": used / 1e6, "microseconds": seconds * 1000}


def main() -> None:
    """Prints the tables and writes them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--users", type=int, default=100_000)
    arguments = parser.parse_args()
    settings = load_settings(ShopSettings, DEMO_SETTINGS)
    with tempfile.TemporaryDirectory() as folder:
        dataset = prepare(*grocery_inputs(), settings.prepare, Path(folder) / "data")
        parts = split(dataset, settings.prepare.split)
        lengths = parts.test.histories.lengths
        print(f"{len(parts.test)} shoppers asked; events known of one: median {np.median(lengths):.0f}, "
              f"more than 200 of {np.mean(lengths > 200):.0%}, most {lengths.max()}; NDCG@10")  # fmt: skip
        rows = []
        for row in figures(parts, settings, tuple(arguments.models.split(","))):
            rows.append(row)
            shown = [f"{name} {value:.4f}" if isinstance(value, float) else str(value) for name, value in row.items()]
            print(" | ".join(shown), flush=True)
    taken = [memory(arguments.users, 20), memory(arguments.users // 10, 200)]
    for one in taken:
        print(f"{one['users']:,} shoppers with {one['events_a_user']} events each since the bundle: "
              f"{one['megabytes']:.0f} MB, {one['microseconds']:.0f} microseconds to read one")  # fmt: skip
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({"figures": rows, "memory": taken}, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""The whole line in Python, from a log to recommendations, on a small shop that is made up here. Runs in seconds.

The shop sells coffee things, tea things and running things. Shoppers have a taste and mostly stay with it, so that a
good model recommends from the shelf that a shopper likes. The log has the faults that logs have.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.cleaning.rejections import rejection_counts
from shopkeeper.data.events import Events
from shopkeeper.data.prepare import PrepareSettings, prepare
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.evaluation.evaluate import evaluate
from shopkeeper.recommenders.base import Recommender
from shopkeeper.recommenders.item_knn import ItemKNN
from shopkeeper.recommenders.popular import MostPopular
from shopkeeper.recommenders.transitions import Transitions

SHELVES = {
    "coffee": ["beans", "grinder", "filter", "kettle", "scale", "cup", "press", "tamper"],
    "tea": ["green", "black", "herbal", "pot", "strainer", "timer", "tin", "bowl"],
    "running": ["shoes", "socks", "shorts", "shirt", "watch", "bottle", "belt", "cap"],
}
TITLES = [f"{shelf} {thing}" for shelf, things in SHELVES.items() for thing in things]
N_SHOPPERS = 300
VISITS = 20


def make_log(seed: int = 0) -> pa.Table:
    """A log in the shop's own words: 300 shoppers, 20 clicks each, a few duplicates and rows without a shopper."""
    rng = np.random.default_rng(seed)
    shopper = np.repeat(np.arange(N_SHOPPERS), VISITS)
    n = len(shopper)
    shelf = np.where(rng.random(n) < 0.9, shopper % 3, rng.integers(0, 3, n))
    item = shelf * 8 + (rng.integers(0, 8, n) * rng.random(n)).astype(int)  # the first things of a shelf sell best
    second = 1_700_000_000 + rng.integers(0, 90 * 86_400, n)
    names = [None if lost else f"c{number:03d}" for lost, number in zip(rng.random(n) < 0.01, shopper, strict=True)]
    log = pa.table(
        {
            "customer": names,
            "sku": [f"{number:05d}" for number in item],
            "action": np.where(rng.random(n) < 0.2, "buy", "click"),
            "time": second,
        }
    )
    return pa.concat_tables([log, log.slice(0, 25)])


def make_catalog() -> pa.Table:
    """The product feed: id, name, category."""
    shelves = np.repeat(list(SHELVES), 8)
    return pa.table({"sku": [f"{n:05d}" for n in range(len(TITLES))], "name": TITLES, "category": shelves})


def run(folder: Path) -> Recommender:
    """From the log to a saved model; prints what happens on the way."""
    events = Events.read(make_log())  # columns and event types are understood by their common names
    catalog = Catalog.read(make_catalog())

    splitting = SplitSettings()  # everything before one moment trains
    dataset = prepare(events, catalog, PrepareSettings(split=splitting), folder / "dataset")
    print(f"{dataset.n_events} events of {dataset.n_users} shoppers on {dataset.n_items} items")
    for count in rejection_counts(dataset.facts):
        print(f"  left out: {count.rows} rows, {count.reason.value}")

    parts = split(dataset, splitting)
    models = [model.fit(parts.train, parts.validation) for model in (MostPopular(), Transitions(), ItemKNN())]
    reached = [evaluate(model, parts.validation, part="validation").value("ndcg", 10) for model in models]
    for model, value in zip(models, reached, strict=True):
        print(f"{model.name:12s} validation NDCG@10 {value:.3f}")

    best = models[int(np.argmax(reached))]  # chosen on validation, measured once on the test
    row = evaluate(best, parts.test, part="test").row("ndcg", 10)
    print(f"{best.name:12s} test       NDCG@10 {row.value:.3f}, 95 % interval {row.low:.3f} to {row.high:.3f}")

    best.remember(dataset)  # answer from the log as of now, not only from what was trained on
    best.save(folder / "model")
    return best


def show(folder: Path) -> None:
    """Loads the model and asks for a known shopper, a new one by history, and one of whom nothing is known."""
    model = Recommender.load(folder / "model")
    titles = {f"{n:05d}": title for n, title in enumerate(TITLES)}
    answers = model.recommend(["c000", None, "nobody"], [["00000", "00003"], ["00016", "00018"], []], k=3)
    for who, answer in zip(("c000", "a runner", "nobody"), answers, strict=True):
        print(who.ljust(12), ", ".join(f"{titles[str(item.item_id)]} ({item.source})" for item in answer))


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        place = Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        run(place)
        show(place)

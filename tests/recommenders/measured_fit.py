"""Fits a model on random histories in a process of its own, and prints what it took beside what was foretold.

python measured_fit.py MODEL SHOPPERS ITEMS LENGTH [a.b=value ...]
"""

from __future__ import annotations

import json
import sys

import numpy as np

from shopkeeper.config import load_settings
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.evaluation.cost import measured
from shopkeeper.jobs.settings import ShopSettings


def random_log(n_users: int, n_items: int, length: int) -> Dataset:
    """Histories of geometric length; popularity falls with the rank of an item."""
    generator = np.random.default_rng(0)
    lengths = np.maximum(2, generator.geometric(1 / length, n_users))
    popularity = np.arange(1, n_items + 1) ** -0.8
    items = generator.choice(n_items, lengths.sum(), p=popularity / popularity.sum()).astype(np.int32) + 1
    histories = Histories.of_items(np.split(items, np.cumsum(lengths)[:-1]))
    return Dataset(Vocabulary(range(1, n_users + 1)), Vocabulary(range(1, n_items + 1)), histories)


def main() -> None:
    name, *sizes = sys.argv[1:5]
    log = random_log(*map(int, sizes))
    settings = load_settings(ShopSettings, None, sys.argv[5:])
    with measured() as first:
        settings.recommender(name).fit(log, None, settings.training)
    told = settings.recommender(name).estimate(log, settings.training)
    with measured() as second:  # libraries are loaded, as they are after the estimate of the command
        settings.recommender(name).fit(log, None, settings.training)
    found = {"megabytes": first.peak_megabytes, "seconds": second.seconds}
    sys.stdout.write(json.dumps({**found, "told_megabytes": told.bytes / 1e6, "told_seconds": told.seconds}) + "\n")


if __name__ == "__main__":
    main()

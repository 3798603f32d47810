"""A log of several behaviors with one purchase of each shopper held out, and the same made once more for validation.

The folder holds `events.csv` (user, item, behaviour, timestamp in Unix seconds) and `test_purchase.csv` (user, item).
All events of a shopper with the held-out item are gone from the log, and all that came after the purchase. Validation
repeats this inside the log: of each shopper with two purchases or more the last one is held out (of several at the same
second one at random), the shopper's other events with that item go, and so does all that the shopper did later. As in
the test each shopper asked has bought before.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Holdout
from shopkeeper.data.repeats import repeat_share
from shopkeeper.data.schema import EventType, event_type_of
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.types import BoolArray, Int64Array

EVENTS, TEST = "events.csv", "test_purchase.csv"
MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Part:
    """What may be learned from, and what is asked then.

    Attributes:
        train: The events.
        questions: One held-out purchase a shopper, in the indices of `train`; 0 for an item that it lacks.
    """

    train: Dataset
    questions: Holdout

    def facts(self) -> dict[str, Any]:
        """Sizes, and what the reader must know of them."""
        asked, events = self.questions, self.train.histories
        target = np.repeat(np.asarray(asked.targets.item_index), asked.histories.lengths)
        seen = np.bincount(asked.histories.rows, target == asked.histories.item_index, len(asked)) > 0
        types = np.asarray(events.event_type)
        return {
            "train_events": self.train.n_events,
            "train_purchases": int((types == EventType.PURCHASE.code).sum()),
            "train_items": self.train.n_items,
            "repeat_share": repeat_share(events),
            "asked": len(asked),
            "targets_in_history": float(seen.mean()),
            "targets_unseen_by_training": float(np.mean(asked.targets.item_index == 0)),
            "train_hash": self.train.data_hash,
        }


def load(folder: Path) -> tuple[Part, int]:
    """Reads a folder.

    Returns:
        All events with the test's questions, and the number of items of both files together.

    Raises:
        DataError: A file is missing, or a shopper asked has no event.
    """
    for name in (EVENTS, TEST):
        if not (folder / name).exists():
            raise DataError(f"there is no {name} in the folder", expected=f"{EVENTS} and {TEST}")
    events, test = csv.read_csv(folder / EVENTS), csv.read_csv(folder / TEST)
    user, item, seconds = (events.column(name).to_numpy() for name in ("user", "item", "timestamp"))
    words = events.column("behaviour").combine_chunks().dictionary_encode()
    codes = np.array([event_type_of(word).code for word in words.dictionary.to_pylist()], dtype=np.uint8)
    order = np.lexsort((np.arange(len(user)), seconds, user))
    users, items = Vocabulary(np.unique(user)), Vocabulary(np.unique(item))
    histories = Histories(
        np.searchsorted(user[order], np.append(np.unique(user), user.max() + 1)).astype(np.int64),
        items.indices(item[order]),
        codes[words.indices.to_numpy()][order],
        (seconds[order] * MICROSECONDS).astype(np.int64),
    )
    asked, targets = test.column("user").to_numpy(), test.column("item").to_numpy()
    if not np.isin(asked, user).all():
        raise DataError(f"a shopper of {TEST} has no event in {EVENTS}")
    part = _part(Dataset(users, items, histories), asked, targets)
    return part, len(np.union1d(item, targets))


def validation_part(train: Dataset, seed: int = 0) -> Part:
    """Holds the last purchase of each shopper with two or more out of the log, as the test was made.

    Args:
        train: The log.
        seed: Decides among purchases of the same second.

    Raises:
        DataError: No shopper has two purchases.
    """
    histories = train.histories
    rows, items = histories.rows, np.asarray(histories.item_index)
    last = _last_purchases(histories, seed)
    if len(last) == 0:
        raise DataError("no shopper has two purchases: there is nothing to choose settings by")
    held = np.zeros(len(histories), dtype=np.int64)
    until = np.full(len(histories), np.iinfo(np.int64).max)
    held[rows[last]], until[rows[last]] = items[last], histories.timestamp[last]
    keep = (items != held[rows]) & (np.asarray(histories.timestamp) <= until[rows])
    left = train.select(keep).compact()
    ids = np.asarray(train.users.arrow)[rows[last]]
    known = left.users.indices(ids) > 0
    return _part(left, ids[known], np.asarray(train.items.arrow)[items[last[known]] - 1])


def _last_purchases(histories: Histories, seed: int) -> Int64Array:
    """Places of the last purchase of each shopper with two or more, int64, in the order of shoppers."""
    bought: BoolArray = np.asarray(histories.event_type) == EventType.PURCHASE.code
    places, rows = np.flatnonzero(bought), histories.rows[bought]
    noise = np.random.default_rng(seed).random(len(places))
    places = places[np.lexsort((noise, np.asarray(histories.timestamp)[places], rows))]
    ends = np.flatnonzero(np.diff(rows, append=-1))
    several = np.bincount(rows, minlength=len(histories))[rows[ends]] > 1
    chosen: Int64Array = places[ends[several]]
    return chosen


def _part(train: Dataset, user_ids: Any, item_ids: Any) -> Part:
    users = train.users.indices(user_ids)
    histories = train.history_of(users)
    targets = Histories(
        np.arange(len(users) + 1),
        train.items.indices(item_ids),
        np.full(len(users), EventType.PURCHASE.code, dtype=np.uint8),
        np.asarray(histories.timestamp)[np.asarray(histories.offsets[1:]) - 1],
    )
    return Part(train, Holdout(pa.array(user_ids), users, histories, targets))

"""Whether a log has enough of a target to predict it: one rule, which `validate` states and `select` goes by.

A log is divided into three parts in time, each longer than the horizon, and in each the target must come of shoppers
who were seen before, since only those can be asked about. How many predictors suit it hangs on the number of events.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from shopkeeper.data.cutoffs import MICROSECONDS_A_DAY, Cutoffs
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.schema import INTEREST_TYPES, EventType
from shopkeeper.types import Int64Array

MIN_IN_A_PART: Final = 10
"""Events of the target of shoppers who were seen before, in each part."""
NETWORKS_FROM: Final = 2_000
"""Events of the target from which on networks compete."""
HISTORIES_FROM: Final = 5_000
"""Events of the target from which on networks that read histories compete."""
ROOM: Final = 1.25
"""A part of pairs is at least so many horizons long, so that there are moments whose horizon ends within it."""

Moments = Mapping[str, tuple[int, int]]


class Counted(NamedTuple):
    """Events of the target of shoppers with an earlier event of interest.

    Attributes:
        time: int64 [m]; Unix microseconds.
        number: int64 [m]; how many at each.
    """

    time: Int64Array
    number: Int64Array

    def between(self, start: int, until: int) -> int:
        """How many from a moment on and before another."""
        return int(self.number[(self.time >= start) & (self.time < until)].sum())


class Shortage(NamedTuple):
    """What is lacking.

    Attributes:
        what: Of which there is too little.
        there: How much there is.
        needed: How much it takes.
    """

    what: str
    there: float
    needed: float


def needed_time(examples: ExampleSettings) -> int:
    """Shortest length of a part in microseconds."""
    if examples.horizon != "days":
        return 0
    room = 1.0 if examples.about_shoppers else ROOM
    return round(examples.days * room * MICROSECONDS_A_DAY)


def parts_between(first: int, end: int, cutoffs: Cutoffs, examples: ExampleSettings) -> dict[str, tuple[int, int]]:
    """Begin and end of training, validation and test: those of the cutoffs, or earlier where a part would be too short.

    Args:
        first: Moment of the first event, Unix microseconds.
        end: Moment behind the last one.
        cutoffs: Of the time split.
        examples: What is predicted.
    """
    needed = needed_time(examples)
    test_from = min(cutoffs.validation_until, end - needed)
    train_until = min(cutoffs.train_until, test_from - needed)
    return {"train": (first, train_until), "validation": (train_until, test_from), "test": (test_from, end)}


def too_short(moments: Moments, examples: ExampleSettings) -> Shortage | None:
    """Whether what is left for training is shorter than a part must be."""
    (first, train_until), needed = moments["train"], needed_time(examples)
    if train_until - first >= needed and train_until > first:
        return None
    day = MICROSECONDS_A_DAY
    if (moments["test"][1] - first) < 3 * needed:
        return Shortage("days", (moments["test"][1] - first) / day, 3 * needed / day)
    return Shortage("days before the moments of validation and test", (train_until - first) / day, needed / day)


def too_few(counted: Counted, moments: Moments, examples: ExampleSettings) -> Shortage | None:
    """Whether the target comes too seldom in one of the parts; asked of events within days at any moment alone."""
    if examples.about_shoppers or examples.moment != "any":
        return None
    parts = {name: counted.between(*ends) for name, ends in moments.items()}
    name = min(parts, key=lambda one: parts[one])
    if parts[name] >= MIN_IN_A_PART:
        return None
    what = f"{examples.target} events of shoppers seen before in the {name} part"
    return Shortage(what, parts[name], MIN_IN_A_PART)


def counted_in(dataset: Dataset, target: EventType) -> Counted:
    """The events of a target of shoppers who had an earlier event of interest, in a prepared log."""
    histories = dataset.histories
    kind, time, row = np.asarray(histories.event_type), np.asarray(histories.timestamp), np.asarray(histories.rows)
    interest = np.isin(kind, [one.code for one in INTEREST_TYPES])
    first = np.full(dataset.n_users + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, row[interest], time[interest])
    wanted = time[(kind == target.code) & (time > first[row])]
    return Counted(wanted, np.ones(len(wanted), dtype=np.int64))

"""Items and shoppers that a split keeps from training though they were there: those that appeared last.

What is new in a shop has no past. To see how a model does on it, the items (or shoppers) whose first event is among the
last are taken out of the training part with all their events; questions about them stay. When something first appeared
is told from events that would train without this, so that held-out events decide nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopkeeper.data.cutoffs import moment_text
from shopkeeper.data.dataset import Dataset
from shopkeeper.types import BoolArray, Int64Array

if TYPE_CHECKING:
    from shopkeeper.data.split_settings import SplitSettings

COLD = "cold"
"""The key of `Split.facts` under which stands what was withheld."""
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Withheld:
    """What is kept from training.

    Attributes:
        items: bool [n_items + 1]; items that appeared last.
        users: bool [n_users]; shoppers who did.
        events: bool [events]; events that would train if it were not for their item or shopper.
        items_from: Items that first appeared at this moment or later are withheld; Unix microseconds, None for none.
        users_from: The same for shoppers.
    """

    items: BoolArray
    users: BoolArray
    events: BoolArray
    items_from: int | None
    users_from: int | None

    def to_json(self) -> dict[str, Any]:
        """How many of each, and from which moment on."""
        found: dict[str, Any] = {"events": int(np.count_nonzero(self.events))}
        for name, moment, cold in (("items", self.items_from, self.items), ("users", self.users_from, self.users)):
            if moment is not None:
                found |= {name: int(np.count_nonzero(cold)), f"{name}_from": moment_text(moment)}
        return found


def withheld(dataset: Dataset, train: BoolArray, settings: SplitSettings) -> Withheld:
    """Which items and shoppers appeared last, by the shares of the settings.

    All that appeared at one moment are treated alike, so the shares are kept to as well as the moments allow; those
    that appeared first of all are never withheld.

    Args:
        dataset: The log.
        train: bool [events]; what would train.
        settings: `cold_items` and `cold_users`.
    """
    events = np.flatnonzero(train)
    time = np.asarray(dataset.histories.timestamp)[events]
    item = np.asarray(dataset.histories.item_index)[events].astype(np.int64)
    shopper = np.searchsorted(np.asarray(dataset.histories.offsets), events, side="right") - 1
    items, items_from = _last(item, time, dataset.n_items + 1, settings.cold_items)
    users, users_from = _last(shopper, time, dataset.n_users, settings.cold_users)
    taken = np.zeros(dataset.n_events, dtype=bool)
    taken[events] = items[item] | users[shopper]
    return Withheld(items, users, taken, items_from, users_from)


def _last(who: Int64Array, time: Int64Array, n: int, share: float) -> tuple[BoolArray, int | None]:
    """Which of n appeared last, bool [n], and from which moment on; none for a share of 0.

    Of the moments at which something appeared, the one from which on the share comes nearest to the wanted one.
    """
    none: BoolArray = np.zeros(n, dtype=bool)
    if share == 0 or len(who) == 0:
        return none, None
    first = np.full(n, NEVER)
    np.minimum.at(first, who, time)
    moments, counts = np.unique(first[first < NEVER], return_counts=True)
    later = counts[::-1].cumsum()[::-1][1:]
    if len(later) == 0:
        return none, None
    chosen = int(np.abs(later - share * counts.sum()).argmin()) + 1
    return (first >= moments[chosen]) & (first < NEVER), int(moments[chosen])

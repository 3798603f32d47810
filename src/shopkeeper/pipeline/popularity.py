"""What may be called popular: what stands among the first by events, in the shop or in a category."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.schema import INTEREST_TYPES
from shopkeeper.types import BoolArray, Int64Array

POPULAR_SHARE: Final = 0.1
"""So large a share of the items, those with the most events, is popular."""


@dataclass(frozen=True)
class Popularity:
    """Events of every item in the log as of now.

    Attributes:
        counts: int64 [n_items + 1]; views and all that says more; place 0 is padding.
    """

    counts: Int64Array
    _fewest: dict[str | None, int] = field(default_factory=dict, repr=False)

    @staticmethod
    def of(log: Dataset) -> Popularity:
        """Counts the events of a log."""
        of_interest = np.isin(log.histories.event_type, [event.code for event in INTEREST_TYPES])
        items = np.asarray(log.histories.item_index)[of_interest]
        return Popularity(np.bincount(items, minlength=log.n_items + 1).astype(np.int64))

    def is_popular(self, item_index: int, category: str | None = None, inside: BoolArray | None = None) -> bool:
        """Whether an item stands in the first tenth by events, and above the item in the middle.

        Args:
            item_index: The item.
            category: Look among the items of this category; None looks in the whole shop.
            inside: bool [n_items + 1]; which items lie in that category.
        """
        if inside is not None and not inside[item_index]:
            return False
        if category not in self._fewest:
            self._fewest[category] = _fewest(self.counts[1:] if inside is None else self.counts[inside])
        return int(self.counts[item_index]) >= self._fewest[category]


def _fewest(counts: Int64Array) -> int:
    """The number of events from which on an item is popular among items of so many events, int64 [m], m >= 1."""
    places = max(1, int(np.ceil(POPULAR_SHARE * len(counts))))
    last = int(np.partition(counts, -places)[-places])
    return max(last, int(np.median(counts)) + 1, 1)

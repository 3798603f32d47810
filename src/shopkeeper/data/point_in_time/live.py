"""Features of one shopper's own events, which came until now, beside what the log of a shop says of its items.

For services: the events of the shopper are few and change with every click, those of all shoppers are many and sorted
once. For events of the log itself the features are those that `with_features` gives, to the last bit.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.histories import Histories
from shopkeeper.data.point_in_time.asked import Asked
from shopkeeper.data.point_in_time.log import Log
from shopkeeper.data.point_in_time.of_items import OfItems
from shopkeeper.data.point_in_time.of_pairs import OfPairs, context_features
from shopkeeper.data.point_in_time.of_users import WINDOWS, OfUsers
from shopkeeper.data.point_in_time.sequences import PastEvents
from shopkeeper.data.point_in_time.table import FeatureTable
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.types import Float32Array, Float64Array, Int32Array, Int64Array

SOMEBODY = Vocabulary([0])


class LiveFeatures:
    """Makes features as of a moment of one shopper and some items.

    Args:
        dataset: The log of the shop.

    Raises:
        DataError: There is no event.
    """

    def __init__(self, dataset: Dataset) -> None:
        if dataset.n_events == 0:
            raise DataError("there is no event to make features of")
        self._log = Log(dataset)
        self._of_items = OfItems(self._log)

    def with_items(self, dataset: Dataset) -> LiveFeatures:
        """The same with other facts of items, and perhaps more items behind them (see `Log.with_items`)."""
        changed = copy(self)
        changed._log = self._log.with_items(dataset)
        return changed

    def of(
        self, events: Histories, price: Float64Array, quantity: Float32Array, item_index: Int32Array,
        moment: int | Int64Array, placement: int = 0,
    ) -> Examples:  # fmt: skip
        """Examples of a shopper with each of some items, with features, attributes and past events.

        Args:
            events: One row: what the shopper did.
            price: float64 [events]; NaN where it is not known.
            quantity: float32 [events]; NaN where it is not known.
            item_index: int32 [n]; 0 is no item: where all are, features of items are left out.
            moment: Unix microseconds, of all or int64 [n]; only earlier events count.
            placement: Code of where the items are shown.

        Returns:
            Examples without labels.
        """
        n = len(item_index)
        asked_of = replace(
            self._log.dataset, users=SOMEBODY, histories=events, price=price, quantity=quantity, session_index=None
        )
        own = Log(asked_of, like=self._log)
        examples = Examples(
            np.ones(n, dtype=np.int32), item_index, np.full(n, moment), np.zeros(n, dtype=np.float32),
            placement=np.full(n, placement, dtype=np.uint8),
        )  # fmt: skip
        asked = Asked(own, examples, WINDOWS)
        columns = OfUsers(own).columns(asked)
        if (item_index > 0).any():
            columns |= self._of_items.columns(Asked(self._log, examples, WINDOWS))
            columns |= OfPairs(own).columns(asked, columns)
        columns |= context_features(asked)
        return replace(
            examples, features=FeatureTable.of(columns, n), attributes=self._log.attributes, past=_past(events, asked),
            placement_names=self._log.placement_names,
        )  # fmt: skip


def _past(events: Histories, asked: Asked) -> PastEvents:
    """The events before each question; no column of them is empty, as none of a log is."""
    columns = (events.item_index, events.event_type, events.timestamp)
    if not len(events.item_index):
        columns = (np.zeros(1, np.int32), np.zeros(1, np.uint8), np.zeros(1, np.int64))
    item, kind, time = columns
    return PastEvents(item, kind, time, asked.of_user.start, asked.of_user.stop)

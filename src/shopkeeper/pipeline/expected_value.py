"""The last word on the order of a list: how likely each candidate is bought soon, or what that is worth.

A predictor of purchases is asked about the shopper with each candidate, with features as of the moment of the question:
of the shopper what the question says, of the items what the remembered log says. The expected value of an item is the
chance of its purchase times its price, or times another amount of the catalog, its margin say.
"""

from __future__ import annotations

from copy import copy
from typing import Final

import numpy as np

from shopkeeper.artifacts import ArtifactReader, ArtifactWriter
from shopkeeper.data import schema
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.point_in_time.live import LiveFeatures
from shopkeeper.data.schema import EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.pipeline.asking import Ask
from shopkeeper.pipeline.rank import Ranked
from shopkeeper.pipeline.settings import RankingSettings
from shopkeeper.predictors.base import Predictor
from shopkeeper.types import Float32Array, Float64Array

FOLDER: Final = "ranking"
AMOUNT: Final = "amount"
SMOOTHING: Final = 10.0
"""An amount counts so many purchases at the usual quantity beside those of the item."""
SMALLEST: Final = 1e-30
"""Chances and scores are at least so large, so that their logarithms are finite."""


class Ranking:
    """Orders candidates by a predictor.

    Args:
        predictor: Fitted, of pairs of shopper and item.
        settings: By what, and how strongly.
        memory: The log that items are known from, in the items of the pipeline.
        users: The shoppers that questions number; None takes those of the log.

    Raises:
        DataError: The predictor is not one of chances of pairs at visits, the log is empty, or no item has the amount.
    """

    def __init__(
        self, predictor: Predictor, settings: RankingSettings, memory: Dataset, users: Vocabulary | None = None
    ) -> None:
        target = None if predictor.settings is None else predictor.settings.target
        if target in ("churn", "amount"):
            raise DataError(
                f"a predictor of {target} tells nothing of single items", expected="one of purchases, for example"
            )
        predictor.refuse_other_moment("visit")
        self.predictor, self.settings = predictor, settings
        self._users = memory.users if users is None else users
        self._told(memory, LiveFeatures(memory))

    def of(self, memory: Dataset) -> Ranking:
        """The same with another log, whose items may have other facts and more items behind them."""
        if memory is self._memory:
            return self
        other = copy(self)
        same_log = memory.histories is self._memory.histories
        other._told(memory, self._features.with_items(memory) if same_log else LiveFeatures(memory))
        return other

    def ordered(self, ask: Ask, ranked: Ranked) -> Ranked:
        """The same items in the new order; scores are the chances or values, mixed with the old ones as set."""
        if not len(ranked):
            return ranked
        value = np.log(np.maximum(self.chances(ask, ranked.item_index), SMALLEST))
        if self.settings.by == "expected_value":
            value += np.log(self._worth[ranked.item_index])
        share = self.settings.strength
        before = np.log(np.maximum(ranked.scores.astype(np.float64), SMALLEST))
        score = np.exp(share * value + (1 - share) * before).astype(np.float32)
        order = np.argsort(-score, kind="stable")
        return Ranked(ranked.item_index[order], score[order], ranked.source[order])

    def chances(self, ask: Ask, item_index: np.ndarray[tuple[int], np.dtype[np.int32]]) -> Float64Array:
        """How likely the shopper takes each item (int32 [n]) soon, float64 [n]."""
        return self.predictor.predict_proba(self._examples(ask, item_index))

    def write(self, writer: ArtifactWriter) -> None:
        """Writes the predictor; the settings are the pipeline's."""
        self.predictor.write(writer.folder(FOLDER))

    @staticmethod
    def read(reader: ArtifactReader, settings: RankingSettings, memory: Dataset, users: Vocabulary) -> Ranking | None:
        """Reads what `write` wrote; None where there is none."""
        if not reader.has(FOLDER):
            return None
        return Ranking(Predictor.read(reader.folder(FOLDER)), settings, memory, users)

    def _told(self, memory: Dataset, features: LiveFeatures) -> None:
        self._memory, self._features = memory, features
        self._end = int(np.asarray(memory.histories.timestamp).max()) + 1
        known = np.arange(len(self._users) + 1, dtype=np.int64)
        if memory.users is not self._users:
            known[1:] = memory.users.indices(self._users.arrow)
        self._known_as = known
        self._worth = np.ones(memory.n_items + 1)
        if self.settings.by == "expected_value":
            self._worth = worth_of(memory, self.settings.worth)

    def _examples(self, ask: Ask, item_index: np.ndarray[tuple[int], np.dtype[np.int32]]) -> Examples:
        """As of the moment of the question, else just behind all that is known."""
        events = ask.history
        latest = int(events.timestamp[-1]) + 1 if events.n_events else 0
        moment = ask.moment if ask.moment is not None else max(self._end, latest)
        price, quantity = self._paid(ask)
        return self._features.of(events, price, quantity, item_index, moment)

    def _paid(self, ask: Ask) -> tuple[Float64Array, Float32Array]:
        """Price (float64) and quantity (float32) of the events of the history, [events]; NaN where not known."""
        events, memory = ask.history, self._memory
        price = np.full(events.n_events, np.nan)
        quantity = np.full(events.n_events, np.nan, dtype=np.float32)
        user = int(self._known_as[ask.user_index])
        if user:
            start, stop = (int(end) for end in memory.histories.offsets[user - 1 : user + 1])
            n = min(stop - start, events.n_events)
            known, given = memory.histories, slice(0, n)
            span = slice(start, start + n)
            same = (np.asarray(known.timestamp[span]) == events.timestamp[given]) & (
                np.asarray(known.item_index[span]) == events.item_index[given]
            )
            for column, found in ((price, memory.price), (quantity, memory.quantity)):
                if found is not None:
                    column[given] = np.where(same, np.asarray(found[span]), np.nan)
        return price, quantity


def worth_of(memory: Dataset, name: str) -> Float64Array:
    """What one purchase of each item is worth, float64 [n_items + 1], above zero.

    Args:
        memory: The log and its catalog.
        name: `price`: the last price in the log, else that of the catalog; `amount`: what is paid for the item at a
            time, price times quantity, on average; or a column of numbers of the catalog. An item of which it is not
            known, or not above zero, counts as the one in the middle.

    Raises:
        DataError: No item has it.
    """
    worth = _amounts(memory) if name == AMOUNT else _prices(memory) if name == schema.PRICE else _column(memory, name)
    known = np.isfinite(worth) & (worth > 0)
    if not known.any():
        of_log = " or of the events" if name in (AMOUNT, schema.PRICE) else ""
        raise DataError(
            f"no item has a {name}, so that nothing has a value", expected=f"a column of the catalog{of_log}",
            remedy="rank by probability, or name another column",
        )  # fmt: skip
    return np.where(known, worth, float(np.median(worth[known])))


def _column(memory: Dataset, name: str) -> Float64Array:
    """A column of numbers of the catalog, float64 [n_items + 1]; NaN where it is not known."""
    import pyarrow as pa

    worth, catalog = np.full(memory.n_items + 1, np.nan), memory.catalog
    if catalog is not None and name in catalog.table.column_names:
        column = catalog.aligned(memory.items).column(name).combine_chunks()
        if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            raise DataError(f"the column {name} of the catalog has no numbers", got=str(column.type))
        worth[1:] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return worth


def _prices(memory: Dataset) -> Float64Array:
    """The last price in the log, else that of the catalog."""
    worth = _column(memory, schema.PRICE)
    if memory.price is not None:
        price = np.asarray(memory.price, dtype=np.float64)
        places = np.flatnonzero(np.isfinite(price) & (price > 0))
        places = places[np.argsort(np.asarray(memory.histories.timestamp)[places], kind="stable")]
        worth[np.asarray(memory.histories.item_index)[places]] = price[places]  # of several the last one stays
    return worth


def _amounts(memory: Dataset) -> Float64Array:
    """Mean of price times quantity of the purchases of each item, drawn to its price times the usual quantity."""
    price, quantity = _prices(memory), np.ones(memory.n_events)
    if memory.quantity is not None:
        quantity = np.asarray(memory.quantity, dtype=np.float64)
    item = np.asarray(memory.histories.item_index)
    paid = quantity * (price[item] if memory.price is None else np.asarray(memory.price, dtype=np.float64))
    bought = (np.asarray(memory.histories.event_type) == EventType.PURCHASE.code) & np.isfinite(paid) & (paid > 0)
    usual = price * (float(quantity[bought].mean()) if bought.any() else 1.0)
    n = np.bincount(item[bought], minlength=memory.n_items + 1)
    total = np.bincount(item[bought], paid[bought], minlength=memory.n_items + 1)
    return (total + SMOOTHING * usual) / (n + SMOOTHING)

"""Asks a saved predictor about shoppers and items of a log, as of its end or of a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from shopkeeper.data.cutoffs import MICROSECONDS_A_DAY
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.given import NEVER, GivenEvents
from shopkeeper.data.examples.settings import ExampleSettings, Moment
from shopkeeper.data.point_in_time.blocks import Features
from shopkeeper.data.point_in_time.log import Log
from shopkeeper.data.schema import AVAILABLE, INTEREST_TYPES
from shopkeeper.data.vocabulary import UNKNOWN
from shopkeeper.errors import DataError, UnknownIdError, choices
from shopkeeper.predictors.base import Predictor, Reason
from shopkeeper.types import BoolArray, Float64Array, Id, Int32Array, Int64Array


@dataclass(frozen=True)
class Prediction:
    """One answer.

    Attributes:
        value: The probability that the target comes, or the amount.
        known: Whether the log knows the shopper; if not, the answer is that for a new one.
        reasons: What moves it most, strongest first.
    """

    value: float
    known: bool
    reasons: tuple[Reason, ...]


class Asker:
    """A predictor with what its features are made of.

    Items that only the catalog knows can be asked for too: they are new ones, without an event.

    Args:
        predictor: Fitted.
        dataset: The prepared log.
        at: As of when, Unix microseconds: what came then or later is not looked at. None is the end of the log.
        placement: Where the items are shown; None where nobody says.
        moment: What that moment is: `any`, or a `visit` of the shoppers that are asked about.

    Raises:
        DataError: There is no event before that moment, the log does not know the placement, or the predictor learned
            from moments of the other kind.
    """

    def __init__(
        self, predictor: Predictor, dataset: Dataset, at: int | None = None, placement: str | None = None,
        moment: Moment = "any",
    ) -> None:  # fmt: skip
        predictor.refuse_other_moment(moment)
        time = np.asarray(dataset.histories.timestamp)
        if len(time) == 0 or (at is not None and at <= int(time.min())):
            raise DataError("there is no event before the moment that is asked for", remedy="give a later --at")
        self.predictor = predictor
        self.log_ends = int(time.max()) + 1
        """Unix microseconds; the log has no event then or later."""
        self.until = at
        """No pair may ask about a later moment, where one was given."""
        self.at = self.log_ends if at is None else at
        self.dataset = with_catalog_items(dataset)
        self.settings = predictor.settings if predictor.settings is not None else ExampleSettings()
        self._placement = _placement_code(dataset, placement)
        self._log = Log(self.dataset)
        self._features = Features(self._log, items=self.of_items)
        given = self.settings.given
        self.n_inactive = 0
        """Questions so far about shoppers whose last event lies farther back than what the predictor learned from."""
        self._given = None if given is None else GivenEvents.of(dataset.histories, given)

    @property
    def inactive_words(self) -> str:
        """That answers were carried on to shoppers that are not learned from; empty where there were none."""
        if not self.n_inactive:
            return ""
        return (
            f"{self.n_inactive:,} answers are of shoppers without an event in the {self.settings.active_days:g} days "
            "before: nothing of the kind was learned from, take them with care"
        )

    @property
    def of_items(self) -> bool:
        """Whether the predictor is about pairs; if not, it is about shoppers without an item."""
        return not self.settings.about_shoppers

    def answerable(self, user: Int32Array, item: Int32Array, time: Int64Array | None = None) -> BoolArray:
        """Whether the event that is given lies before each pair, not too long ago; arguments as of `examples`.

        Returns:
            bool [n]; all True of a predictor that is given nothing.
        """
        if self._given is None:
            return np.ones(len(user), dtype=bool)
        moment = self._moments(len(user), time)
        found: BoolArray = self._given.latest(user, item, moment) >= moment - self._given_reach
        return found

    def given_pairs(self, users: Int32Array, items: Int32Array) -> tuple[Int32Array, Int32Array] | None:
        """Those of all pairs of shoppers and items that can be answered: int32 [n] each; None where all can."""
        if self._given is None:
            return None
        user, item = self._given.pairs_since(self.at - self._given_reach, self.at)
        there = np.isin(user, users) & np.isin(item, items)
        return user[there], item[there]

    @property
    def _given_reach(self) -> int:
        return round(self.settings.given_days * MICROSECONDS_A_DAY)

    def _moments(self, n: int, time: Int64Array | None) -> Int64Array:
        return np.full(n, self.at, dtype=np.int64) if time is None else time

    def examples(self, user: Int32Array, item: Int32Array, time: Int64Array | None = None) -> Examples:
        """Pairs with features.

        Args:
            user: int32 [n]; 0 is a shopper without an event.
            item: int32 [n]; 0 where the predictor is of shoppers.
            time: int64 [n]; Unix microseconds. None takes the moment of all.

        Raises:
            DataError: A time is later than the moment that was given for all.
        """
        if time is not None and self.is_beyond(time).any():
            raise DataError(
                "a pair is asked about as of a moment after that of all", expected="times up to --at",
                remedy="leave out what is later, or give a later moment",
            )  # fmt: skip
        moment = self._moments(len(user), time)
        if self._given is not None and self.settings.moment == "visit":  # it learned from the moments of these events
            latest = self._given.latest(user, item, moment)
            moment = np.where(latest > NEVER, latest, moment)
        asked = Examples(
            user, item, moment, np.zeros(len(user), dtype=np.float32), settings=self.settings,
            placement=None if self._placement is None else np.full(len(user), self._placement, dtype=np.uint8),
        )  # fmt: skip
        features, past = self._features.of(asked)
        if self.settings.moment == "any":
            self.n_inactive += int((features.column("user_days_since_last") > self.settings.active_days).sum())
        return replace(
            asked, features=features, attributes=self._log.attributes, past=past,
            placement_names=self._log.placement_names,
        )  # fmt: skip

    def is_beyond(self, time: Int64Array) -> BoolArray:
        """Which times (int64 [n], Unix microseconds) are later than the moment that was given for all, bool [n]."""
        return np.zeros(len(time), dtype=bool) if self.until is None else np.asarray(time > self.until)

    def predict(self, user: Int32Array, item: Int32Array, time: Int64Array | None = None) -> Float64Array:
        """Probabilities, or amounts, float64 [n]; arguments as of `examples`."""
        return self.predictor.predict(self.examples(user, item, time))

    def one(self, user_id: Id, item_id: Id | None = None, k: int = 0) -> Prediction:
        """The answer for one pair, or one shopper, with at most k reasons.

        Raises:
            UnknownIdError: Neither the log nor the catalog knows the item.
            DataError: An item is needed, or none is, or what is given did not happen.
        """
        user, item = self.dataset.users.index(user_id), self._item(item_id)
        if not self.answerable(_one(user), _one(item))[0]:
            raise DataError(
                f"the predictor is of pairs {self.settings.given_words}, and this one has none",
                remedy="ask about another pair, or take a predictor that is given nothing",
            )
        examples = self.examples(_one(user), _one(item))
        value = float(self.predictor.predict(examples)[0])
        return Prediction(value, user != UNKNOWN, tuple(self.predictor.explain(examples, k)[0]) if k else ())

    def _item(self, item_id: Id | None) -> int:
        if self.of_items and item_id is None:
            raise DataError(f"the predictor of {self.settings.target} is about items", remedy="name one with --item")
        if not self.of_items and item_id is not None:
            raise DataError(f"the predictor of {self.settings.target} is about shoppers", remedy="leave out the item")
        item = UNKNOWN if item_id is None else self.dataset.items.index(item_id)
        if self.of_items and item == UNKNOWN:
            known = [str(one) for one in self.dataset.items.arrow.slice(0, 1000).to_pylist()]
            raise UnknownIdError(
                f"neither the log nor the catalog knows the item {item_id!r}",
                expected=choices(str(item_id), known)[-120:], remedy="prepare the log with a catalog that has it",
            )  # fmt: skip
        return item

    def active_users(self) -> Int32Array:
        """Shoppers who showed interest in something in the last days before the moment, int32, ascending."""
        log = self.dataset.histories
        time, kind = np.asarray(log.timestamp), np.asarray(log.event_type)
        since = self.at - round(self.settings.active_days * MICROSECONDS_A_DAY)
        interest = np.isin(kind, [one.code for one in INTEREST_TYPES])
        rows = np.unique(log.rows[(time >= since) & (time < self.at) & interest])
        if len(rows) == 0:
            raise DataError(
                f"no shopper had an event in the {self.settings.active_days:g} days before", remedy="give another --at"
            )
        return (rows + 1).astype(np.int32)

    def candidate_items(self, ids: Sequence[Id] | None = None, popular: int | None = None) -> Int32Array:
        """Items to ask about, int32, ascending.

        Args:
            ids: These; None takes all that the catalog lists, unless it calls them unavailable, and without a listing
                those that had an event before the moment.
            popular: Of these only so many that had most events before the moment; None takes all.

        Raises:
            UnknownIdError: One of the ids is not known.
        """
        before = np.asarray(self.dataset.histories.timestamp) < self.at
        counts = np.bincount(self.dataset.histories.item_index[before], minlength=self.dataset.n_items + 1)
        if ids is None:
            items = self._available()
            items = items[(counts[items] > 0) | self._listed[items]]
        else:
            items = np.unique(self.dataset.items.known_indices(list(ids)))
        if popular is not None and popular < len(items):
            items = np.sort(items[np.argsort(-counts[items], kind="stable")[:popular]])
        return items.astype(np.int32)

    def n_without_event(self, items: Int32Array) -> int:
        """With how many of the items nothing had happened before the moment: none of the kind was learned from."""
        before = np.asarray(self.dataset.histories.timestamp) < self.at
        seen = np.unique(self.dataset.histories.item_index[before])
        return int((~np.isin(items, seen)).sum())

    @cached_property
    def _listed(self) -> BoolArray:
        """Whether the catalog lists each item, bool [n_items + 1]."""
        listed = np.zeros(self.dataset.n_items + 1, dtype=bool)
        if self.dataset.catalog is not None:
            ids = self.dataset.catalog.table.column("item_id").combine_chunks()
            if ids.type == self.dataset.items.arrow.type:
                listed[self.dataset.items.indices(ids)] = True
            listed[UNKNOWN] = False
        return listed

    def _available(self) -> Int32Array:
        every = np.arange(1, self.dataset.n_items + 1, dtype=np.int32)
        catalog = self.dataset.catalog
        if catalog is None or AVAILABLE not in catalog.table.column_names:
            return every
        available = catalog.aligned(self.dataset.items).column(AVAILABLE).fill_null(True)
        there: Int32Array = every[available.to_numpy(zero_copy_only=False).astype(bool)]
        return there


def load_asker(
    folder: Path, dataset: Dataset, at: int | None = None, placement: str | None = None, moment: Moment = "any"
) -> Asker:
    """A saved predictor with a log; other arguments as of `Asker`.

    Raises:
        ArtifactError: There is no predictor, or it is damaged.
        DataError: As of `Asker`.
    """
    return Asker(Predictor.load(folder), dataset, at, placement, moment)


def with_catalog_items(dataset: Dataset) -> Dataset:
    """With the items of the catalog that have no event, behind the others."""
    import pyarrow.compute as pc

    if dataset.catalog is None:
        return dataset
    ids = dataset.catalog.table.column("item_id").combine_chunks()
    if ids.type != dataset.items.arrow.type:
        return dataset
    new = ids.filter(pc.invert(pc.is_in(ids, value_set=dataset.items.arrow)))
    return dataset.with_items(new) if len(new) else dataset


def _placement_code(dataset: Dataset, placement: str | None) -> int | None:
    """The code of a placement, 0 where nobody says; None where the log has no placements."""
    names = dataset.placements
    if placement is None:
        return None if names is None or dataset.histories.placement is None else UNKNOWN
    code = UNKNOWN if names is None else names.index(placement)
    if names is None or code == UNKNOWN:
        known = [] if names is None else [str(name) for name in names.arrow.to_pylist()]
        raise DataError(
            f"the log does not know the placement {placement!r}",
            expected=choices(placement, known) if known else "none",
        )
    return code


def _one(index: int) -> Int32Array:
    return np.array([index], dtype=np.int32)

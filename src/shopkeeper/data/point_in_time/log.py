"""A log prepared for point-in-time features: what is sorted and summed once, and shared by the features."""

from __future__ import annotations

from copy import copy
from functools import cached_property, partial
from typing import Any

import numpy as np

from shopkeeper.data import schema
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.point_in_time.attributes import Attribute
from shopkeeper.data.point_in_time.past import BITS, Past, parts
from shopkeeper.data.point_in_time.sums import Column
from shopkeeper.data.point_in_time.threads import together
from shopkeeper.data.schema import CATEGORY_SEPARATOR, EventType
from shopkeeper.types import BoolArray, Float64Array, Int32Array, Int64Array, UInt8Array

MILLISECOND = 1000
LARGE = 1 << 18
"""Events from which on several threads are worth their start."""


class Log:
    """Events of a dataset in the order of time, with what features ask of them.

    Args:
        dataset: The log. Of its catalog brand, category, price and date of creation are taken to have held always.
        like: Another log of the same items, whose types of event and facts of items are taken; for the events of some
            shoppers beside the log of all.
    """

    def __init__(self, dataset: Dataset, like: Log | None = None) -> None:
        self.dataset = dataset
        self.n = dataset.n_events
        if like is not None:
            for name in ("types", "attributes", "listed_price", "created"):
                self.__dict__[name] = getattr(like, name)
        time = np.asarray(dataset.histories.timestamp)
        self.order = _by_time(time)
        """Places of the events in the dataset, int64 [events]."""
        self.time: Int64Array = np.zeros(self.n + 1, dtype=np.int64)
        """Unix microseconds, int64 [events + 1]; the last is of no event."""
        np.take(time, self.order, out=self.time[:-1], mode="clip")
        self.kind: UInt8Array = np.asarray(dataset.histories.event_type)[self.order]
        self.user: Int32Array = _users(dataset)[self.order]
        self.item: Int32Array = np.asarray(dataset.histories.item_index)[self.order]
        self._of_user_and: dict[str, Past] = {}
        self._words: dict[str, Any] = {}

    def with_items(self, dataset: Dataset) -> Log:
        """The same events with other facts of items, and perhaps more items behind those of here.

        Prices that events were given by the catalog stay.

        Args:
            dataset: With the same events.
        """
        changed = copy(self)
        changed.dataset = dataset
        changed._words = {attribute.name: attribute.words for attribute in self.attributes}
        for name in ("attributes", "listed_price", "created"):
            changed.__dict__.pop(name, None)
        return changed

    def is_of(self, event_type: EventType) -> Column:
        """Tells of events whether they are of this type."""
        return lambda places: self.kind[places] == event_type.code

    def is_priced(self, places: Any) -> BoolArray:
        """Whether a price of the events at these places in the order of time is known."""
        priced: BoolArray = np.isfinite(self.price[places])
        return priced

    @cached_property
    def all_priced(self) -> bool:
        """Whether a price is known of every event."""
        return all(bool(self.is_priced(rows).all()) for rows in parts(self.n))

    @cached_property
    def types(self) -> tuple[EventType, ...]:
        """The types of event that the log has, weakest first."""
        counts = np.bincount(self.kind, minlength=len(EventType) + 1)
        return tuple(event_type for event_type in EventType if counts[event_type.code])

    @cached_property
    def of_user(self) -> Past:
        """Events by shopper; sorted they stand as in the dataset."""
        return Past(self.n, lambda rows: self.user[rows].astype(np.int64), self.dataset.n_users + 1)

    @cached_property
    def of_item(self) -> Past:
        """Events by item."""
        return Past(self.n, lambda rows: self.item[rows].astype(np.int64), self.dataset.n_items + 1)

    @cached_property
    def of_category(self) -> Past:
        """Events by category of the item, 0 where it is not known."""
        category = self.category
        return Past(self.n, lambda rows: category[self.item[rows]], int(category.max()) + 1)

    @cached_property
    def of_pair(self) -> Past:
        """Events by shopper and item."""
        return self._of_pairs(np.arange(self.dataset.n_items + 1))

    @property
    def is_large(self) -> bool:
        """Whether it pays to work on it with several threads."""
        return self.n > LARGE

    def prepare(self) -> None:
        """Sorts by all keys that features ask of; done once, and else on first use."""
        simple = [lambda: self.of_user, lambda: self.of_item, lambda: self.of_pair, lambda: self.of_category]
        of_both = [partial(self.of_user_and, attribute.name) for attribute in self.attributes[1:]]
        _ = self.price
        together(lambda make: make().starts, [*simple, *of_both], self.is_large)

    def of_user_and(self, name: str) -> Past:
        """Events by shopper and brand, category or department of the item."""
        if name not in self._of_user_and:
            self._of_user_and[name] = self._of_pairs(self.attribute(name))
        return self._of_user_and[name]

    def _of_pairs(self, value: Int64Array) -> Past:
        """Events by shopper and a number of the item (int64 [n_items + 1])."""
        n_keys = (self.dataset.n_users + 1) << self.dataset.n_items.bit_length()
        return Past(self.n, lambda rows: self.pairs(self.user[rows], value[self.item[rows]]), n_keys)

    def pairs(self, user: Int64Array | Int32Array, value: Int64Array) -> Int64Array:
        """One key for shopper and item, or another number of items, int64 [n]."""
        return user.astype(np.int64) << self.dataset.n_items.bit_length() | value

    @cached_property
    def price(self) -> Float64Array:
        """Price of one unit in each event, else that of the catalog, float64 [events]; NaN where neither is known."""
        price = self.listed_price[self.item]
        if self.dataset.price is not None:
            told = np.asarray(self.dataset.price)
            for rows in parts(self.n):
                own = told[self.order[rows]]
                np.copyto(price[rows], own, where=np.isfinite(own) & (own > 0))
        return price

    def paid(self, places: Any) -> Float64Array:
        """Price times quantity of purchases, 0 for other events and where it is not known, float64.

        Args:
            places: In the order of time, int64 [n] or a slice.
        """
        amount = self.price[places]
        if self.dataset.quantity is not None:
            amount = amount * np.asarray(self.dataset.quantity)[self.order[places]]
        return np.where((self.kind[places] == EventType.PURCHASE.code) & np.isfinite(amount), amount, 0.0)

    @cached_property
    def listed_price(self) -> Float64Array:
        """Price of each item in the catalog, float64 [n_items + 1]; NaN where it is not known or not above 0."""
        price = np.full(self.dataset.n_items + 1, np.nan)
        if self._has(schema.PRICE):
            price[1:] = self._column(schema.PRICE).to_numpy(zero_copy_only=False)
        price[~(np.isfinite(price) & (price > 0))] = np.nan
        return price

    @cached_property
    def placement_names(self) -> tuple[str, ...]:
        """Names of the codes of placements, from 1; empty where none is known."""
        names = self.dataset.placements
        return () if names is None else tuple(map(str, names.arrow.to_pylist()))

    @cached_property
    def attributes(self) -> tuple[Attribute, ...]:
        """The item itself, and its brand, category path and first step of that path where the catalog has them."""
        known = [schema.BRAND] * self._has(schema.BRAND) + [schema.CATEGORY, "department"] * self._has(schema.CATEGORY)
        items = Attribute("item", np.arange(self.dataset.n_items + 1), self.dataset.items.arrow)
        return (items, *map(self._attribute, known))

    @property
    def category(self) -> Int64Array:
        """Number of the whole category path of each item from 1, int64 [n_items + 1]; 0 where it is not known."""
        return self.attribute(schema.CATEGORY)

    def attribute(self, name: str) -> Int64Array:
        """Numbers of the brand, category or department of each item, int64 [n_items + 1]; 0 where it is not known."""
        found = [attribute.codes for attribute in self.attributes if attribute.name == name]
        return found[0] if found else np.zeros(self.dataset.n_items + 1, dtype=np.int64)

    @cached_property
    def created(self) -> Int64Array | None:
        """When each item came into the catalog, Unix microseconds, int64 [n_items + 1]; the largest if not known."""
        if not self._has(schema.CREATED_AT):
            return None
        import pyarrow as pa

        created = np.full(self.dataset.n_items + 1, np.iinfo(np.int64).max)
        moments = self._column(schema.CREATED_AT).cast(pa.timestamp("us")).cast(pa.int64())
        known = moments.is_valid().to_numpy(zero_copy_only=False)
        created[1:][known] = moments.drop_null().to_numpy(zero_copy_only=False)
        return created

    def _has(self, column: str) -> bool:
        return self.dataset.catalog is not None and column in self.dataset.catalog.table.column_names

    def _column(self, name: str) -> Any:
        import pyarrow as pa

        if self.dataset.catalog is None:
            return pa.nulls(self.dataset.n_items)
        return self.dataset.catalog.aligned(self.dataset.items).column(name).combine_chunks()

    def _attribute(self, name: str) -> Attribute:
        import pyarrow as pa
        import pyarrow.compute as pc

        words = self._column(schema.BRAND if name == schema.BRAND else schema.CATEGORY).cast(pa.string())
        if name == "department":
            words = pc.list_element(pc.split_pattern(words, CATEGORY_SEPARATOR), 0)
        known = self._words.get(name, pa.array([], pa.string()))  # what has a number keeps it
        encoded = pa.concat_arrays([known, words]).dictionary_encode()
        encoded = encoded.slice(len(known))
        codes = np.zeros(self.dataset.n_items + 1, dtype=np.int64)
        codes[1:] = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False) + 1
        return Attribute(name, codes, encoded.dictionary)


def _users(dataset: Dataset) -> Int32Array:
    """The shopper of each event of a dataset, int32 [events]."""
    users = np.arange(1, dataset.n_users + 1, dtype=np.int32)
    return np.repeat(users, dataset.histories.lengths)


def _by_time(time: Int64Array) -> Int64Array:
    """The places of the moments in ascending order, equal ones in that of the places, int64 [n]."""
    n = len(time)
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    bits, since = n.bit_length(), np.asarray(time - time.min(), dtype=np.int64)
    if not any(bool((since[rows] % MILLISECOND).any()) for rows in parts(n)):
        since //= MILLISECOND
    if int(since.max()).bit_length() + bits > BITS:
        return np.argsort(time, kind="stable").astype(np.int64)
    since <<= bits
    for rows in parts(n):
        since[rows] |= np.arange(rows.start, rows.stop)
    since.sort()  # faster than a sort of places
    since &= (1 << bits) - 1
    return since

"""A log prepared for point-in-time features: what is sorted and summed once, and shared by the features."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from shopkeeper.data import schema
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.point_in_time.attributes import Attribute
from shopkeeper.data.point_in_time.clock import Clock
from shopkeeper.data.point_in_time.past import Past
from shopkeeper.data.schema import CATEGORY_SEPARATOR, EventType
from shopkeeper.errors import DataError
from shopkeeper.types import BoolArray, Float64Array, Int64Array, UInt8Array


class Log:
    """Events of a dataset with what features ask of them.

    Args:
        dataset: The log. Of its catalog brand, category, price and date of creation are taken to have held always.

    Raises:
        DataError: There is no event.
    """

    def __init__(self, dataset: Dataset) -> None:
        if dataset.n_events == 0:
            raise DataError("there is no event to make features of")
        self.dataset = dataset
        self.time: Int64Array = np.asarray(dataset.histories.timestamp)
        self.kind: UInt8Array = np.asarray(dataset.histories.event_type)
        self.user: Int64Array = dataset.histories.rows + 1
        self.item: Int64Array = np.asarray(dataset.histories.item_index).astype(np.int64)
        self.clock = Clock(self.time, max(dataset.n_events, dataset.n_users, dataset.n_items) + 2)
        self.ticks: Int64Array = self.clock.ticks(self.time)

    def is_of(self, event_type: EventType) -> BoolArray:
        """Whether each event is of this type, bool [events]."""
        of_type: BoolArray = self.kind == event_type.code
        return of_type

    @cached_property
    def types(self) -> tuple[EventType, ...]:
        """The types of event that the log has, weakest first."""
        counts = np.bincount(self.kind, minlength=len(EventType) + 1)
        return tuple(event_type for event_type in EventType if counts[event_type.code])

    @cached_property
    def of_user(self) -> Past:
        """Events by shopper."""
        return Past(self.clock, self.user, self.ticks, ordered=True)

    @cached_property
    def of_item(self) -> Past:
        """Events by item."""
        return Past(self.clock, self.item, self.ticks)

    def pairs(self, user: Int64Array, attribute: Int64Array) -> Int64Array:
        """One key for shopper and item, or brand, or category, int64 [n]."""
        return user * (self.dataset.n_items + 1) + attribute

    @cached_property
    def of_pair(self) -> Past:
        """Events by shopper and item."""
        return Past(self.clock, self.pairs(self.user, self.item), self.ticks)

    @cached_property
    def price(self) -> Float64Array:
        """Price of one unit in each event, else that of the catalog, float64 [events]; NaN where neither is known."""
        listed = self.listed_price[self.item]
        if self.dataset.price is None:
            return listed
        price = np.asarray(self.dataset.price, dtype=np.float64)
        return np.where(np.isfinite(price) & (price > 0), price, listed)

    @cached_property
    def paid(self) -> Float64Array:
        """Price times quantity of purchases, 0 for other events and where it is not known, float64 [events]."""
        amount = self.price
        if self.dataset.quantity is not None:
            amount = amount * np.asarray(self.dataset.quantity, dtype=np.float64)
        return np.where(self.is_of(EventType.PURCHASE) & np.isfinite(amount), amount, 0.0)

    @cached_property
    def listed_price(self) -> Float64Array:
        """Price of each item in the catalog, float64 [n_items + 1]; NaN where it is not known or not above 0."""
        price = np.full(self.dataset.n_items + 1, np.nan)
        if self._has(schema.PRICE):
            price[1:] = self._column(schema.PRICE).to_numpy(zero_copy_only=False)
        price[~(np.isfinite(price) & (price > 0))] = np.nan
        return price

    @cached_property
    def attributes(self) -> tuple[Attribute, ...]:
        """The item itself, and its brand, category path and first step of that path where the catalog has them."""
        known = [schema.BRAND] * self._has(schema.BRAND) + [schema.CATEGORY, "department"] * self._has(schema.CATEGORY)
        items = Attribute("item", np.arange(self.dataset.n_items + 1), self.dataset.items.arrow)
        return (items, *map(self._attribute, known))

    @cached_property
    def brand(self) -> Int64Array:
        """Number of the brand of each item from 1, int64 [n_items + 1]; 0 where it is not known."""
        return self._codes(schema.BRAND)

    @cached_property
    def category(self) -> Int64Array:
        """Number of the whole category path of each item from 1, int64 [n_items + 1]; 0 where it is not known."""
        return self._codes(schema.CATEGORY)

    @cached_property
    def department(self) -> Int64Array:
        """Number of the first step of the category path of each item from 1, int64 [n_items + 1]; 0 if not known."""
        return self._codes("department")

    @cached_property
    def created(self) -> Int64Array:
        """When each item came into the catalog, Unix microseconds, int64 [n_items + 1]; the largest if not known."""
        created = np.full(self.dataset.n_items + 1, np.iinfo(np.int64).max)
        if self._has(schema.CREATED_AT):
            import pyarrow as pa

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

    def _codes(self, name: str) -> Int64Array:
        found = [attribute.codes for attribute in self.attributes if attribute.name == name]
        return found[0] if found else np.zeros(self.dataset.n_items + 1, dtype=np.int64)

    def _attribute(self, name: str) -> Attribute:
        import pyarrow as pa
        import pyarrow.compute as pc

        words = self._column(schema.BRAND if name == schema.BRAND else schema.CATEGORY).cast(pa.string())
        if name == "department":
            words = pc.list_element(pc.split_pattern(words, CATEGORY_SEPARATOR), 0)
        encoded = words.dictionary_encode()
        codes = np.zeros(self.dataset.n_items + 1, dtype=np.int64)
        codes[1:] = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False) + 1
        return Attribute(name, codes, encoded.dictionary)

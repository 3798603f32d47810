"""What the pipeline and the service know of the items, as arrays in the order of the item vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from shopkeeper.data import schema
from shopkeeper.data.categories import CategoryFormat, CategoryNames, category_key
from shopkeeper.data.schema import CATEGORY_SEPARATOR
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.types import BoolArray, Float64Array, Int32Array

if TYPE_CHECKING:
    import pyarrow as pa

    from shopkeeper.data.catalog import Catalog

CACHED_MASKS = 256
"""Categories whose items are kept as a mask."""


@dataclass(frozen=True)
class Codes:
    """One text of every item as a number.

    Attributes:
        code: int32 [n_items + 1]; place in `values`, -1 where nothing is known.
        values: The distinct texts.
    """

    code: Int32Array
    values: Sequence[str]

    def __getitem__(self, item_index: int) -> str | None:
        """The text of one item."""
        code = int(self.code[item_index])
        return None if code < 0 else self.values[code]

    @staticmethod
    def of(column: pa.ChunkedArray | None, n_items: int) -> Codes:
        """From a column aligned to the vocabulary; None stands for a column that is not there."""
        import pyarrow as pa
        import pyarrow.compute as pc

        code = np.full(n_items + 1, -1, dtype=np.int32)
        if column is None:
            return Codes(code, [])
        text = pa.chunked_array([column.combine_chunks().cast(pa.large_string())])
        encoded = text.combine_chunks().dictionary_encode()
        code[1:] = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
        return Codes(code, encoded.dictionary.to_pylist())


@dataclass(frozen=True)
class ItemFacts:
    """Facts of every item; index 0 is padding.

    Attributes:
        categories: Category paths.
        brands: Brands.
        prices: float64 [n_items + 1]; NaN where unknown.
        available: bool [n_items + 1]; false where the catalog says that it is not on sale. Index 0 is false.
        titles: Aligned titles, or None.
        images: Aligned image addresses, or None.
        category_format: How the shop writes its categories.
        currencies: Currencies of the prices, or None where nothing is known of any.
    """

    categories: Codes
    brands: Codes
    prices: Float64Array
    available: BoolArray
    titles: pa.ChunkedArray | None = None
    images: pa.ChunkedArray | None = None
    category_format: CategoryFormat = field(default_factory=CategoryFormat)
    currencies: Codes | None = None
    _masks: dict[str, BoolArray] = field(default_factory=dict, repr=False)

    @staticmethod
    def of(catalog: Catalog | None, items: Vocabulary) -> ItemFacts:
        """The facts that a catalog holds; without one nothing is known and everything is on sale."""
        table = None if catalog is None else catalog.aligned(items)
        columns = {} if table is None else {name: table.column(name) for name in table.column_names}
        prices = np.full(len(items) + 1, np.nan)
        if schema.PRICE in columns:
            prices[1:] = columns[schema.PRICE].to_numpy()
        available = np.ones(len(items) + 1, dtype=bool)
        if schema.AVAILABLE in columns:
            available[1:] = columns[schema.AVAILABLE].fill_null(True).to_numpy()
        available[0] = False
        title = None if catalog is None else catalog.title_column
        return ItemFacts(
            categories=Codes.of(columns.get(schema.CATEGORY), len(items)),
            brands=Codes.of(columns.get(schema.BRAND), len(items)),
            prices=prices,
            available=available,
            titles=None if title is None else columns[title],
            images=columns.get(schema.IMAGE),
            category_format=CategoryFormat.of(table),
            currencies=Codes.of(columns[schema.CURRENCY], len(items)) if schema.CURRENCY in columns else None,
        )

    def title(self, item_index: int) -> str | None:
        """What a reader calls the item."""
        return _at(self.titles, item_index)

    def image(self, item_index: int) -> str | None:
        """Address of its picture."""
        return _at(self.images, item_index)

    def category(self, item_index: int) -> str | None:
        """Its category path."""
        return self.categories[item_index]

    def brand(self, item_index: int) -> str | None:
        """Its brand."""
        return self.brands[item_index]

    def price(self, item_index: int) -> float | None:
        """Its price."""
        price = float(self.prices[item_index])
        return None if np.isnan(price) else price

    def currency(self, item_index: int) -> str | None:
        """That of its price: its own, else the only one of the shop."""
        if self.currencies is None or self.price(item_index) is None:
            return None
        alone = self.currencies.values[0] if len(self.currencies.values) == 1 else None
        return self.currencies[item_index] or alone

    def priced_in(self, currency: str) -> BoolArray:
        """Which items have their price in a currency, bool [n_items + 1]; case does not count."""
        if self.currencies is None:
            return np.zeros(len(self.prices), dtype=bool)
        same = [name.casefold() == currency.casefold() for name in self.currencies.values]
        of_item: BoolArray = np.array([*same, same == [True]])[self.currencies.code]
        return of_item

    def is_available(self, item_index: int) -> bool:
        """Whether it is on sale."""
        return bool(self.available[item_index])

    @cached_property
    def category_names(self) -> CategoryNames:
        """The categories by any writing of their names."""
        return CategoryNames(self.categories.values, self.category_format)

    def in_category(self, name: str) -> BoolArray:
        """Which items lie in a category or below it, bool [n_items + 1]; read-only; none where the name says nothing.

        Args:
            name: A path, or the start of one in whole steps, in any writing: ``"Beauty > Hair"``, ``"beauty/hair"``.
        """
        mask = self._masks.get(name)
        if mask is None:
            found = self.category_names.named(name)
            key = None if found is None else category_key(found)
            keys = [] if key is None else self.category_names.keys
            inside = [one == key or one.startswith(f"{key}{CATEGORY_SEPARATOR}") for one in keys]
            mask = np.array([*inside, False])[self.categories.code] if inside else np.zeros(len(self.prices), bool)
            mask.setflags(write=False)
            if len(self._masks) < CACHED_MASKS:
                self._masks[name] = mask
        return mask

    def of_brand(self, name: str) -> BoolArray:
        """Which items are of a brand, bool [n_items + 1]; case, width and blanks do not count."""
        key = category_key(name)
        same = np.array([*(category_key(brand) == key for brand in self.brands.values), False])
        of_item: BoolArray = same[self.brands.code]
        return of_item

    @cached_property
    def category_levels(self) -> Int32Array:
        """Number of the start of each item's category path at each depth, int32 [depth, n_items + 1]; -1 where none."""
        steps = [key.split(CATEGORY_SEPARATOR) for key in self.category_names.keys]
        numbers: dict[tuple[str, ...], int] = {}
        of_value = np.full((max(map(len, steps), default=1), len(steps) + 1), -1, dtype=np.int32)
        for place, path in enumerate(steps):
            for depth in range(len(path)):
                of_value[depth, place] = numbers.setdefault(tuple(path[: depth + 1]), len(numbers))
        result: Int32Array = of_value[:, self.categories.code]
        return result

    @cached_property
    def top_category(self) -> Int32Array:
        """Number of the first step of each item's category path, int32 [n_items + 1]; -1 where unknown."""
        first: Int32Array = self.category_levels[0]
        return first


def _at(column: pa.ChunkedArray | None, item_index: int) -> str | None:
    if column is None or item_index < 1:
        return None
    value = column[item_index - 1].as_py()
    return None if value is None else str(value)

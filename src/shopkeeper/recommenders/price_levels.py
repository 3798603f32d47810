"""The price level of items: in which tenth of the catalog the price of an item lies."""

from __future__ import annotations

from typing import Final

import numpy as np

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.schema import PRICE
from shopkeeper.errors import DataError
from shopkeeper.types import Float64Array, Int64Array

LEVELS: Final = 10


def price_levels(train: Dataset) -> Int64Array:
    """Levels from 1 (cheap) to 10 (dear), 0 where the price is unknown.

    The price of an item is the mean over its events; where the log has none, that of the catalog.

    Returns:
        int64 [n_items + 1].

    Raises:
        DataError: No price is known.
    """
    prices = _prices(train)
    known = np.isfinite(prices) & (prices >= 0)
    if not known.any():
        raise DataError(
            "no price is known",
            expected="a column `price` in the log or the catalog",
            remedy="set read_prices=false of the model",
        )
    limits = np.quantile(prices[known], np.arange(1, LEVELS) / LEVELS)
    levels = np.zeros(len(prices), dtype=np.int64)
    levels[known] = np.searchsorted(limits, prices[known], side="right") + 1
    return levels


def _prices(train: Dataset) -> Float64Array:
    """float64 [n_items + 1], NaN where unknown."""
    prices = np.full(train.n_items + 1, np.nan)
    if train.catalog is not None:
        columns = train.catalog.aligned(train.items)
        if PRICE in columns.column_names:
            prices[1:] = columns[PRICE].to_numpy()
    if train.price is not None:
        paid = np.isfinite(train.price)
        items = np.asarray(train.histories.item_index)[paid]
        events = np.bincount(items, minlength=len(prices))
        sums = np.bincount(items, weights=np.asarray(train.price)[paid], minlength=len(prices))
        prices = np.where(events > 0, sums / np.maximum(events, 1), prices)
    return prices

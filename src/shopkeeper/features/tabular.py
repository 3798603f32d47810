"""What the columns of the catalog and the log say of an item at a moment, as numbers with names.

Category and brand, price within its category, age, availability, popularity so far. Whatever is counted or compared
looks at events before the moment alone, and at items that were there then: nothing later changes a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import numpy as np
from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.data import schema
from shopkeeper.data.dataset import Dataset
from shopkeeper.features.feature import Feature
from shopkeeper.features.price_position import price_positions
from shopkeeper.types import BoolArray, Float32Array, Float64Array, Int64Array

if TYPE_CHECKING:
    import pyarrow as pa

NAME: Final = "tabular"
DAY: Final = 86_400_000_000
"""Microseconds."""
Columns = dict[str, Float32Array]
"""Values by the name of the column, float32 [n_items] each."""


class TabularSettings(Settings):
    """Which numbers are made of the catalog's columns and the log."""

    category_steps: Annotated[int, Field(ge=0)] = 64
    """So many of the most frequent steps of category paths get a column each: 1 for the items below them."""
    brands: Annotated[int, Field(ge=0)] = 64
    """So many of the most frequent brands get a column each."""
    recent_days: Annotated[float, Field(gt=0)] = 28.0
    """The last days that count as recent popularity."""
    price_among: Annotated[int, Field(ge=2)] = 5
    """A price is placed within the deepest category that has so many priced items."""


@dataclass(frozen=True)
class _Moment:
    """What the log says before a moment.

    Attributes:
        as_of: Unix microseconds.
        events: int64 [n_items]; events before.
        recent: int64 [n_items]; events in the last days before.
        first: int64 [n_items]; first event before, the moment itself where there is none.
    """

    as_of: int
    events: Int64Array
    recent: Int64Array
    first: Int64Array


def tabular_feature(dataset: Dataset, as_of: int, settings: TabularSettings | None = None) -> Feature:
    """The numbers of every item of a dataset as of a moment.

    Args:
        dataset: Log and catalog; events from the moment on are not looked at.
        as_of: Unix microseconds.
        settings: Which numbers.

    Returns:
        A feature named "tabular" that every item has; `facts["columns"]` names the columns of the matrix.
    """
    settings = settings or TabularSettings()
    moment = _moment(dataset, as_of, settings)
    rows = None if dataset.catalog is None else dataset.catalog.aligned(dataset.items)
    created = _created(rows, dataset.n_items)
    there = (moment.events > 0) | (created < as_of)
    columns = _popularity(moment, there) | _age(moment, created)
    if rows is not None:
        columns |= _price(rows, there, settings) | _availability(rows)
        columns |= _frequent("category", *_category_steps(rows), there, settings.category_steps)
        columns |= _frequent("brand", *_brands(rows), there, settings.brands)
    matrix = np.zeros((dataset.n_items + 1, len(columns)), dtype=np.float32)
    matrix[1:] = np.stack(list(columns.values()), axis=1)
    known = np.arange(dataset.n_items + 1) > 0
    facts = {
        "settings": settings.model_dump(mode="json"),
        "as_of": as_of,
        "columns": list(columns),
        "items": dataset.n_items,
        "there": int(there.sum()),
        "warnings": [],
    }
    return Feature(NAME, dataset.items, matrix, known, facts)


def _moment(dataset: Dataset, as_of: int, settings: TabularSettings) -> _Moment:
    histories = dataset.histories
    time = np.asarray(histories.timestamp)
    before = time < as_of
    item, time = np.asarray(histories.item_index)[before] - 1, time[before]
    first = np.full(dataset.n_items, as_of, dtype=np.int64)
    np.minimum.at(first, item, time)
    recent = item[time >= as_of - int(settings.recent_days * DAY)]
    events, lately = (np.bincount(places, minlength=dataset.n_items) for places in (item, recent))
    return _Moment(as_of, events, lately, first)


def _created(rows: pa.Table | None, n_items: int) -> Float64Array:
    """Unix microseconds of listing, infinite where unknown."""
    import pyarrow as pa

    if rows is None or schema.CREATED_AT not in rows.column_names:
        return np.full(n_items, np.inf)
    moments = rows.column(schema.CREATED_AT).cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    values = _numbers(moments)
    return np.where(np.isnan(values), np.inf, values)


def _popularity(moment: _Moment, there: BoolArray) -> Columns:
    """Logarithms of counts, and the share of the items there that have fewer events, equal ones counted half."""
    ranked = np.sort(moment.events[there])
    below = np.searchsorted(ranked, moment.events) + np.searchsorted(ranked, moment.events, side="right")
    return {
        "popularity": np.log1p(moment.events).astype(np.float32),
        "popularity_recent": np.log1p(moment.recent).astype(np.float32),
        "popularity_position": (below / (2 * max(1, len(ranked)))).astype(np.float32),
    }


def _age(moment: _Moment, created: Float64Array) -> Columns:
    """Logarithm of the days since listing, or since the first event where that is not known; 0 for a new item."""
    listed = np.minimum(np.where(np.isinf(created), moment.first, created), moment.as_of)
    return {"age": np.log1p((moment.as_of - listed) / DAY).astype(np.float32)}


def _price(rows: pa.Table, there: BoolArray, settings: TabularSettings) -> Columns:
    if schema.PRICE not in rows.column_names:
        return {}
    price = _numbers(rows.column(schema.PRICE))
    price = np.where(np.isfinite(price) & (price >= 0), price, np.nan)
    known = np.isfinite(price)
    positions = price_positions(price, _category_levels(rows), there, settings.price_among)
    return {
        "price": np.log1p(np.where(known, price, 0)).astype(np.float32),
        "price_known": known.astype(np.float32),
        "price_position": positions,
    }


def _availability(rows: pa.Table) -> Columns:
    """1 where it can be had or nothing is said."""
    import pyarrow.compute as pc

    if schema.AVAILABLE not in rows.column_names:
        return {}
    available = pc.fill_null(rows.column(schema.AVAILABLE), True)
    return {"available": available.to_numpy().astype(np.float32)}


def _frequent(kind: str, item: Int64Array, words: pa.Array, there: BoolArray, most: int) -> Columns:
    """A column for each of the most frequent words, 1 for the items that have it.

    Args:
        kind: Begins the names of the columns.
        item: int64 [m]; place of an item that has a word.
        words: large_string [m]; the word.
        there: bool [n_items]; items that are counted.
        most: Columns at most; of equally frequent words the first in the alphabet.
    """
    coded = words.dictionary_encode()
    names = np.asarray(coded.dictionary.to_pylist(), dtype=object)
    code = coded.indices.to_numpy(zero_copy_only=False)
    pairs = np.unique(np.stack([item, code]), axis=1) if len(item) else np.zeros((2, 0), dtype=np.int64)
    counts = np.bincount(pairs[1][there[pairs[0]]], minlength=len(names))
    chosen = sorted(np.flatnonzero(counts).tolist(), key=lambda place: (-counts[place], names[place]))[:most]
    found: Columns = {}
    for place in chosen:
        column = np.zeros(len(there), dtype=np.float32)
        column[pairs[0][pairs[1] == place]] = 1
        found[f"{kind}:{names[place]}"] = column
    return found


def _category_steps(rows: pa.Table) -> tuple[Int64Array, pa.Array]:
    """Items and the steps of their categories, an entry for each pair."""
    import pyarrow.compute as pc

    steps = _paths(rows)
    return pc.list_parent_indices(steps).to_numpy(zero_copy_only=False), pc.list_flatten(steps)


def _brands(rows: pa.Table) -> tuple[Int64Array, pa.Array]:
    """Items and their brands, an entry for each item that has one."""
    brand = _column(rows, schema.BRAND)
    known = brand.is_valid()
    return np.flatnonzero(known.to_numpy(zero_copy_only=False)), brand.filter(known)


def _category_levels(rows: pa.Table) -> list[Int64Array]:
    """The category of each item at each depth as a number, int64 [n_items] each, -1 where its path ends earlier."""
    import pyarrow as pa
    import pyarrow.compute as pc

    steps, separator = _paths(rows), pa.scalar(schema.CATEGORY_SEPARATOR, pa.large_string())
    lengths = pc.fill_null(pc.list_value_length(steps), 0).to_numpy(zero_copy_only=False)
    levels = []
    for depth in range(1, int(lengths.max(initial=0)) + 1):
        path = pc.binary_join(pc.list_slice(steps, 0, depth), separator)
        code = pc.fill_null(path, "").dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
        levels.append(np.where(lengths >= depth, code, -1))
    return levels


def _paths(rows: pa.Table) -> Any:
    """Steps of the categories, list of large_string [n_items]."""
    import pyarrow.compute as pc

    return pc.split_pattern(_column(rows, schema.CATEGORY), schema.CATEGORY_SEPARATOR)


def _column(rows: pa.Table, name: str) -> pa.Array:
    """A text column, large_string [n_items], all null where the catalog has none."""
    import pyarrow as pa

    if name not in rows.column_names:
        return pa.nulls(len(rows), pa.large_string())
    return rows.column(name).cast(pa.large_string()).combine_chunks()


def _numbers(column: pa.ChunkedArray) -> Float64Array:
    """float64 [n_items], NaN where missing."""
    import pyarrow as pa

    values: Float64Array = column.cast(pa.float64(), safe=False).to_numpy()
    return values

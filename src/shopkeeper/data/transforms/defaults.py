"""Proposes transforms for a catalog from its columns: their types, number of distinct values and spread.

Left out are ids (and integers that never repeat), texts (title, description, image; any column whose values hardly
repeat), columns that say the same for every item, and `available`, which is a matter of the moment and of the filters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopkeeper.data.schema import (
    AVAILABLE,
    BRAND,
    CATEGORY,
    CREATED_AT,
    DESCRIPTION,
    IMAGE,
    ITEM_ID,
    PARENT_ID,
    PRICE,
    TITLE,
)
from shopkeeper.data.transforms.base import Step
from shopkeeper.data.transforms.binary import ThresholdStep
from shopkeeper.data.transforms.categorical import IndexStep, OneHotStep
from shopkeeper.data.transforms.columns import as_numbers
from shopkeeper.data.transforms.cyclic import CyclicStep
from shopkeeper.data.transforms.hashing import HashStep
from shopkeeper.data.transforms.multi_hot import MultiHotStep
from shopkeeper.data.transforms.numeric import LogStep, QuantileStep, StandardStep
from shopkeeper.data.transforms.settings import FeatureSettings

if TYPE_CHECKING:
    import pyarrow as pa

LEFT_OUT = (ITEM_ID, PARENT_ID, TITLE, DESCRIPTION, IMAGE, AVAILABLE)
CODES = (BRAND, CATEGORY)
"""Integers in these columns are codes, not amounts."""
FEW_CATEGORIES = 100
"""So many distinct values become one-hot columns; more become an index."""
MANY_CATEGORIES = 100_000
"""More distinct values than this are hashed."""
REPEATS_BELOW = 0.5
"""A text column with more distinct values than this share of its rows is free text or an id."""
FEW_NUMBERS = 20
"""An integer column with so few distinct values is read as a code, not as an amount."""


def default_feature_settings(table: pa.Table) -> FeatureSettings:
    """Looks at a catalog table and proposes a transform for each column that serves as a feature.

    Args:
        table: The catalog, training items only; canonical columns and any attributes.

    Returns:
        Settings to use as they are, or to write to TOML and change.
    """
    steps: list[Step] = []
    for name in table.column_names:
        column = table.column(name).combine_chunks().drop_null()
        if name not in LEFT_OUT and len(column):
            steps.extend(_proposal(name, column))
    return FeatureSettings(steps=tuple(steps))


def _proposal(name: str, column: pa.Array) -> list[Step]:
    """Steps for the known values of one column, at least one."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        return _proposal(name, column.dictionary_decode())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        categories = _is_text(kind.value_type) or pa.types.is_integer(kind.value_type)
        return [MultiHotStep(column=name, paths=name == CATEGORY)] if categories else []
    if pa.types.is_nested(kind) or len(column.unique()) == 1:
        return []
    if _is_text(kind):
        return _for_texts(name, column)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        season: list[Step] = [CyclicStep(column=name, parts=("day_of_year",))] if name == CREATED_AT else []
        return [QuantileStep(column=name), *season]
    return _for_numbers(name, column)


def _for_texts(name: str, column: pa.Array) -> list[Step]:
    if name == CATEGORY:
        return [MultiHotStep(column=name, paths=True)]
    distinct = len(column.unique())
    return [_for_categories(name, distinct)] if distinct <= REPEATS_BELOW * len(column) else []


def _for_categories(name: str, distinct: int) -> Step:
    if distinct <= FEW_CATEGORIES:
        return OneHotStep(column=name)
    return IndexStep(column=name) if distinct <= MANY_CATEGORIES else HashStep(column=name)


def _for_numbers(name: str, column: pa.Array) -> list[Step]:
    """The logarithm for amounts that spread like prices (none negative, mean far above the median)."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_boolean(kind):
        return [ThresholdStep(column=name)]
    distinct = len(column.unique())
    if pa.types.is_integer(kind) and name != PRICE and (distinct <= FEW_NUMBERS or name in CODES):
        return [_for_categories(name, distinct)]
    if pa.types.is_integer(kind) and name != PRICE and distinct == len(column):
        return []
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return []
    numbers = as_numbers(name, column)
    known = numbers[~np.isnan(numbers)]
    skewed = known.size > 0 and known.min() >= 0 and known.mean() > 1.5 * np.median(known)
    return [LogStep(column=name) if name == PRICE or skewed else StandardStep(column=name)]


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))

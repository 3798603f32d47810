"""Reads one Arrow column as the kind of values that a transform works on, or says what was expected.

The word *missing* has one meaning for all transforms: null; for numbers also NaN, infinities and magnitudes beyond
float32; for categories also the empty text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopkeeper.errors import DataError
from shopkeeper.types import BoolArray, Float64Array

if TYPE_CHECKING:
    import pyarrow as pa

LARGEST = float(np.finfo(np.float32).max)
"""The largest magnitude of a number that counts as known; all output fits into float32."""
SMALLEST = float(np.finfo(np.float32).smallest_subnormal)
"""A smaller magnitude is 0: it would be in float32, and a scale of such numbers overflows."""
MICROSECONDS_A_DAY = 86_400e6


def as_numbers(name: str, column: pa.Array) -> Float64Array:
    """Numbers, booleans (0 and 1) and moments (days since 1970, UTC) as float64 [n], NaN where missing.

    Args:
        name: Name of the column, for the error.
        column: Integers, floats, decimals, booleans, dates or timestamps.

    Raises:
        DataError: The column is of another type.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        moments = as_moments(name, column).cast(pa.int64())
        return as_numbers(name, moments) / MICROSECONDS_A_DAY
    if pa.types.is_boolean(kind):
        column = column.cast(pa.uint8())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise wrong_type(name, column, "numbers, booleans or moments")
    floats = pc.fill_null(column.cast(pa.float64(), safe=False), float("nan"))
    values = np.array(floats.to_numpy(zero_copy_only=False), dtype=np.float64)
    size = np.abs(values)
    values[size < SMALLEST] = 0.0
    values[~(size <= LARGEST)] = np.nan
    return values


def as_categories(name: str, column: pa.Array, normalize: bool = False) -> pa.Array:
    """Categories as int64 or large_string [n], null where missing; a column of only nulls keeps the null type.

    Args:
        name: Name of the column, for the error.
        column: Strings, integers, booleans (`true`, `false`), or a dictionary of these.
        normalize: Whether texts are normalized, so that `NIKE ` and `Nike` are one category.

    Raises:
        DataError: The column is of another type.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from shopkeeper.data.transforms.text import normalize_text

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_null(kind):
        return column
    if pa.types.is_integer(kind):
        return column.cast(pa.int64())
    if pa.types.is_boolean(kind):
        return column.cast(pa.large_string())
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise wrong_type(name, column, "texts, integers or booleans")
    texts = column.cast(pa.large_string())
    if normalize:
        distinct = texts.dictionary_encode()
        texts = normalize_text(distinct.dictionary).take(distinct.indices)
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.large_string()), texts)


def as_moments(name: str, column: pa.Array) -> pa.Array:
    """Moments as `timestamp[us, UTC]`, [n], null where missing.

    Args:
        name: Name of the column, for the error.
        column: Timestamps (UTC where they have no time zone), dates, or integers (Unix microseconds).

    Raises:
        DataError: The column is of another type.
    """
    import pyarrow as pa

    kind = column.type
    if pa.types.is_integer(kind):
        column = column.cast(pa.int64())
    elif not (pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_null(kind)):
        raise wrong_type(name, column, "timestamps, dates or Unix microseconds")
    elif pa.types.is_date(kind):
        column = column.cast(pa.timestamp("ms"))
    return column.cast(pa.timestamp("us", "UTC"), safe=False)


def is_null(column: pa.Array) -> BoolArray:
    """Whether each value is null, bool [n]."""
    nulls: BoolArray = np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=bool)
    return nulls


def wrong_type(name: str, column: pa.Array, expected: str) -> DataError:
    """The error for a column that a transform cannot read, for the caller to raise."""
    return DataError(
        f"column {name!r} has the wrong type for its transform",
        expected=expected,
        got=str(column.type),
        remedy="convert the column or choose another kind of transform for it",
    )

"""Functions of the engine that Ibis has no name for, as Ibis functions.

Each is built into DuckDB; Spark and others have them under other names, and this file is the place to say so.
"""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def _scalar(name: str, arity: int, result: str) -> Any:
    import ibis
    from ibis.expr.datatypes import dtype

    shapes = {1: lambda a: None, 2: lambda a, b: None}
    return ibis.udf.scalar.builtin(shapes[arity], name=name, signature=((None,) * arity, dtype(result)))


@cache
def _aggregate(name: str) -> Any:
    import ibis
    import ibis.expr.datatypes as dt

    return ibis.udf.agg.builtin(lambda value, n: None, name=name, signature=((dt.int64, dt.int64), dt.Array(dt.int64)))


def timestamp_of_micros(micros: Any) -> Any:
    """Timestamp of an int64 number of microseconds since 1970."""
    return _scalar("make_timestamp", 1, "timestamp")(micros)


def without_zone(value: Any) -> Any:
    """Timestamp in UTC of a timestamp with a zone; five times as fast as a cast, which asks the calendar."""
    return timestamp_of_micros(_scalar("epoch_us", 1, "int64")(value))


def parse_time(text: Any, text_format: str) -> Any:
    """Timestamp of a text in a format of strptime, null where it does not fit."""
    return _scalar("try_strptime", 2, "timestamp")(text, text_format)


def utc_of_local(value: Any, zone: str) -> Any:
    """Timestamp in UTC of a local time in a zone."""
    return _scalar("timezone", 2, "timestamp('UTC')")(zone, value).cast("timestamp")


def row_hash(*values: Any) -> Any:
    """One 64-bit hash over several columns, missing values included: uint64."""
    result = _scalar("hash", 1, "uint64")(values[0])
    for value in values[1:]:
        result = _scalar("hash", 2, "uint64")(result, value)
    return result


def smallest(value: Any, n: int, where: Any) -> Any:
    """The n smallest values of the rows where a condition holds: an ascending list of int64, null for no row."""
    return _aggregate("min")(value, n, where=where)

"""Ids come back exactly as they went in: which columns hold integers, and which text, without guessing.

A typed source decides by its types: integers stay integers, text stays text. Two cases need a look at all values: a
column of floats that holds only whole numbers (pandas writes integers with gaps so: 17850.0) is a column of integers,
and a column of a CSV, which has no types, holds integers when every value is written as an integer is: "7" but not
"007".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shopkeeper.errors import DataError

WHOLE_FLOAT: Final = r"^(0|-?[1-9][0-9]{0,14})\.0$"
EXACT_FLOAT: Final = 2**53


def id_columns(table: Any, columns: Mapping[str, str], all_text: bool) -> dict[str, Any]:
    """Expressions of id columns.

    Args:
        table: Ibis table.
        columns: Name of the result to name of the column.
        all_text: The columns are text since the source has no types.

    Returns:
        Ibis value of each result, int64 or string; empty text is missing.

    Raises:
        DataError: A column cannot hold ids (nested values, bytes).
    """
    checks: dict[str, Any] = {}
    for name, column in columns.items():
        checks |= _checks(name, table[column], all_text)
    facts = table.aggregate(**checks).to_pyarrow().to_pylist()[0] if checks else {}
    return {name: _expression(name, table[column], facts) for name, column in columns.items()}


def _checks(name: str, value: Any, all_text: bool) -> dict[str, Any]:
    """Aggregates over all values that decide between integer and text; null where there is no value."""
    if value.type().is_floating():
        known = value.notnull() & ~value.isnan()
        whole = (value.floor() == value) & (value.abs() < EXACT_FLOAT)
        return {f"{name}:whole": whole.fill_null(False).all(where=known)}
    if value.type().is_string() and all_text:
        integer = value.try_cast("int64").cast("string") == value
        return {
            f"{name}:integer": integer.fill_null(False).all(where=value.notnull()),
            f"{name}:whole": value.re_search(WHOLE_FLOAT).all(where=value.notnull()),
        }
    return {}


def _expression(name: str, value: Any, facts: Mapping[str, bool | None]) -> Any:
    import ibis

    kind = value.type()
    if kind.is_floating():
        known = ibis.ifelse(value.isnan(), ibis.null(kind), value)
        return known.cast("int64") if facts[f"{name}:whole"] else known.cast("string")
    if kind.is_string():
        if facts.get(f"{name}:integer"):
            return value.try_cast("int64")
        return value.try_cast("float64").cast("int64") if facts.get(f"{name}:whole") else value.nullif("")
    if kind.is_integer():
        return value if kind.is_int64() else value.cast("string" if kind.is_uint64() else "int64")
    if kind.is_decimal():
        return value.cast("int64") if kind.scale == 0 and (kind.precision or 38) <= 18 else value.cast("string")
    if kind.is_boolean() or kind.is_uuid() or kind.is_date() or kind.is_timestamp():
        return value.cast("string")
    raise DataError(
        f"the column for {name} cannot hold ids", expected="integers or text", got=str(kind), remedy="map another one"
    )

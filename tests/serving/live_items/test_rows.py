"""Rows of the catalog after changes: later words count, earlier ones fill gaps, types stay what they were."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from shopkeeper.data.catalog import Catalog
from shopkeeper.serving.event_store.item_changes import REMOVED, ItemChange, StoredItemChange
from shopkeeper.serving.live_items.rows import CatalogRows, changed_rows
from shopkeeper.serving.live_items.states import ItemState, ItemStates, Known

CATALOG = Catalog(
    pa.table(
        {
            "item_id": pa.array(["a", "b", "c"], pa.large_string()),
            "title": ["Tea", None, "Cup"],
            "price": [1.0, 2.0, None],
            "grams": pa.array([10, 20, 30], pa.int32()),
            "sold_on": pa.array([["web"], None, ["web", "shop"]], pa.list_(pa.string())),
        }
    )
)
ROWS = CatalogRows(CATALOG, integer=False)
NOTHING = CatalogRows(None, integer=False)
ALL_LATER = Known(None, 0)
"""Of a bundle that was made before every change."""


def states(*changes: tuple[str, dict[str, Any]]) -> list[ItemState]:
    found = ItemStates()
    found.take(StoredItemChange(n, ItemChange(item, n, facts)) for n, (item, facts) in enumerate(changes, start=1))
    return list(found)


def rows(known_rows: CatalogRows, *changes: tuple[str, dict[str, Any]], known: Known = ALL_LATER) -> dict[str, Any]:
    table = changed_rows(known_rows, states(*changes), known).table
    return {row.pop("item_id"): row for row in table.to_pylist()}


def test_what_is_named_changes_and_the_rest_stays() -> None:
    found = rows(ROWS, ("b", {"title": "Pot"}), ("a", {"price": None}), ("b", {"price": 3.5}))
    assert found == {
        "b": {"title": "Pot", "price": 3.5, "grams": 20, "sold_on": None},
        "a": {"title": "Tea", "price": None, "grams": 10, "sold_on": ["web"]},
    }
    assert list(found) == ["b", "a"]  # in the order in which they were heard of


def test_what_the_bundle_knows_later_only_has_its_gaps_filled() -> None:
    said = {"title": "Old", "price": 9.0, "brand": "Ours"}
    changes = [(item, said) for item in "abc"]
    by_number, by_time = Known(2, 0), Known(None, 3)
    for known in (by_number, by_time):
        found = rows(ROWS, *changes, known=known)
        assert [(row["title"], row["price"], row["brand"]) for row in found.values()] == [
            ("Tea", 1.0, "Ours"), ("Old", 2.0, "Ours"), ("Old", 9.0, "Ours"),
        ]  # fmt: skip


def test_a_removed_item_is_not_available_whatever_was_said_of_that() -> None:
    found = rows(ROWS, ("a", {REMOVED: True}), ("a", {"available": True}), ("b", {"price": 1.0}))
    assert (found["a"]["available"], found["b"]["available"]) == (False, None)
    assert REMOVED not in found["a"]
    back = rows(ROWS, ("a", {REMOVED: True}), ("a", {REMOVED: False, "available": True}))
    assert back["a"]["available"] is True


def test_values_get_the_type_of_their_column_or_become_unknown() -> None:
    found = changed_rows(
        ROWS, states(("a", {"grams": "many", "title": 7}), ("b", {"grams": 2**40}), ("c", {"grams": 5})), ALL_LATER
    ).table
    assert found.schema.field("grams").type == pa.int32()
    assert found.column("grams").to_pylist() == [None, None, 5]
    assert found.column("title").to_pylist() == ["7", None, "Cup"]
    assert CATALOG.updated(Catalog(found)).table.schema.field("grams").type == pa.int32()


@pytest.mark.parametrize(
    ("values", "kind", "kept"),
    [
        ([True, False], pa.bool_(), [True, False]),
        ([1, 2.5], pa.float64(), [1.0, 2.5]),
        ([1, "x"], pa.string(), ["1", "x"]),
        ([None, None], pa.string(), [None, None]),
    ],
)
def test_a_new_column_has_the_type_of_its_values(values: list[Any], kind: pa.DataType, kept: list[Any]) -> None:
    changes = [(item, {"organic": value}) for item, value in zip("xy", values, strict=True)]
    found = changed_rows(ROWS, states(*changes), ALL_LATER).table.column("organic")
    assert (found.type, found.to_pylist()) == (kind, kept)


def test_a_column_that_came_with_changes_keeps_its_type() -> None:
    made = changed_rows(ROWS, states(("x", {"organic": True})), ALL_LATER)
    more = changed_rows(ROWS, states(("y", {"organic": "yes"})), ALL_LATER, made.table.schema)
    assert more.table.column("organic").to_pylist() == [None]
    assert len(CATALOG.updated(made).updated(more)) == 5


def test_without_a_catalog_there_is_what_was_said() -> None:
    found = changed_rows(NOTHING, states(("x", {"title": "Tea", "available": None, "price": 1})), ALL_LATER).table
    assert found.to_pylist() == [{"item_id": "x", "title": "Tea", "available": None, "price": 1.0}]
    assert found.schema.field("available").type == pa.bool_()


def test_ids_of_a_feed_become_those_of_the_log() -> None:
    numbers = Catalog(pa.table({"item_id": [1, 2], "title": ["a", "b"]}))
    texts = CatalogRows(numbers, integer=False)
    assert "2" in texts
    assert rows(texts, ("2", {"price": 1.0})) == {"2": {"title": "b", "price": 1.0}}
    assert CatalogRows(numbers, integer=True).catalog is numbers
    assert CatalogRows(CATALOG, integer=True).catalog is None

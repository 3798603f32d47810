"""Catalogs of many writings; titles by id; the order of a vocabulary."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pytest

from shopkeeper.data.catalog import Catalog, CatalogSettings
from shopkeeper.data.events import Events, EventsSettings
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError


def column(catalog, name):
    return catalog.table.column(name).to_pylist()


def test_columns_aliases_and_attributes():
    catalog = Catalog.read(pa.table({
        "SKU": ["a", "b"], "name": ["Lamp", ""], "in_stock": ["yes", "Out of Stock"], "item_price": ["2.5", "x"],
        "parent": [1.0, None], "listed_at": ["2024-01-01", None], "color": ["red", "blue"],
    }))  # fmt: skip
    assert catalog.table.to_pylist() == [
        {"item_id": "a", "title": "Lamp", "price": 2.5, "parent_id": 1, "available": True,
         "created_at": datetime(2024, 1, 1), "color": "red"},
        {"item_id": "b", "title": None, "price": None, "parent_id": None, "available": False, "created_at": None,
         "color": "blue"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "separator", "expected"),
    [
        ("A > B", None, "A > B"), ("A>B >C", None, "A > B > C"), ("A|B", None, "A > B"), ("A / B", None, "A > B"),
        ("A/B", None, "A/B"), ("A/B", "/", "A > B"), ("A.B", ".", "A > B"), ("", None, None),
        ([" A", "B "], None, "A > B"), ([["A", "B"], ["C"]], None, "A > B"), ([], None, None), (None, None, None),
    ],
)  # fmt: skip
def test_category_paths(given, separator, expected):
    kind = None if given is not None and given != [] else pa.list_(pa.string()) if given == [] else pa.string()
    table = pa.table({"item_id": [1], "category": pa.array([given], kind)})
    assert column(Catalog.read(table, CatalogSettings(category_separator=separator)), "category") == [expected]


def test_category_of_several_columns():
    table = pa.table({"item_id": [1, 2], "department": ["A", None], "type": ["B", "C"]})
    catalog = Catalog.read(table, CatalogSettings(category_columns=("department", "type")))
    assert column(catalog, "category") == ["A > B", "C"]
    with pytest.raises(DataError, match="did you mean 'type'"):
        Catalog.read(table, CatalogSettings(category_columns=("typ",)))


def test_duplicates_and_missing_ids_are_counted_and_the_first_row_stays():
    table = pa.table({"item_id": ["b", "a", None, "b", "b"], "title": ["1", "2", "3", "4", "5"]})
    catalog = Catalog.read(table)
    assert column(catalog, "item_id") == ["b", "a"]
    assert column(catalog, "title") == ["1", "2"]
    assert (catalog.facts["missing_ids"], catalog.facts["duplicate_rows"]) == (1, 2)
    assert catalog.facts["duplicate_ids"] == ["b"]


def test_a_csv_keeps_ids_and_types_its_attributes(tmp_path):
    (tmp_path / "c.csv").write_text("item_id,size,zip,weight,note\n007,1,01234,1.5,a\n8,2,99999,,1\n")
    catalog = Catalog.read(tmp_path / "c.csv")
    assert catalog.table.to_pylist() == [
        {"item_id": "007", "size": 1, "zip": "01234", "weight": 1.5, "note": "a"},
        {"item_id": "8", "size": 2, "zip": "99999", "weight": None, "note": "1"},
    ]


def test_a_catalog_without_ids_is_refused():
    with pytest.raises(DataError, match="--catalog-map item_id=COLUMN"):
        Catalog.read(pa.table({"title": ["x"]}))


def test_titles_and_alignment():
    catalog = Catalog(pa.table({"item_id": pa.array(["a", "b"], pa.large_string()), "title": ["A", "B"]}))
    assert catalog.titles(["b", "nothing", "a"]) == ["B", None, "A"]
    assert catalog.titles([1]) == [None]
    assert catalog.aligned(Vocabulary(["c", "b"])).to_pylist() == [
        {"item_id": "b", "title": "B"}, {"item_id": "c", "title": None},
    ]  # fmt: skip
    assert catalog.aligned(Vocabulary([1, 2])).column("title").to_pylist() == [None, None]
    assert Catalog(pa.table({"item_id": [1]})).titles([1]) == [None]


def test_an_empty_catalog():
    catalog = Catalog.read(pa.table({"item_id": pa.array([], pa.string()), "title": pa.array([], pa.string())}))
    assert len(catalog) == 0
    assert catalog.titles(["a"]) == [None]


def test_from_events_takes_the_most_frequent_title():
    table = pa.table({
        "user": [1] * 6, "item": ["a", "a", "a", "b", None, "c"], "time": [0] * 6,
        "Description": ["X", "Y", "Y", None, "Z", "W"],
    })  # fmt: skip
    events = Events.read(table, EventsSettings(event_type="purchase"))
    catalog = Catalog.from_events(events, {"title": "Description"})
    assert catalog.table.to_pylist() == [
        {"item_id": "a", "title": "Y"}, {"item_id": "b", "title": None}, {"item_id": "c", "title": "W"},
    ]  # fmt: skip
    assert Catalog.from_events(events).titles(["a"]) == ["Y"]
    with pytest.raises(DataError, match="no column 'name'"):
        Catalog.from_events(events, {"title": "name"})
    with pytest.raises(DataError, match="no source columns"):
        Catalog.from_events(Events(events.table, "x"))


def test_new_rows_take_the_place_of_old_ones_and_others_come_behind():
    old = Catalog(pa.table({"item_id": [1, 2], "title": ["Tea", "Soap"], "price": [1.0, 2.0]}), {"rows": 2})
    new = Catalog(pa.table({"item_id": [2, 3], "title": ["Black soap", "Salt"], "available": [False, True]}))
    joined = old.updated(new)
    rows = {row.pop("item_id"): row for row in joined.table.to_pylist()}
    assert rows == {
        1: {"title": "Tea", "price": 1.0, "available": None},
        2: {"title": "Black soap", "price": None, "available": False},
        3: {"title": "Salt", "price": None, "available": True},
    }
    assert len(old) == 2 and joined.facts == {"rows": 2}
    with pytest.raises(DataError, match="do not go with"):
        old.updated(Catalog(pa.table({"item_id": ["x"], "title": ["Tea"]})))

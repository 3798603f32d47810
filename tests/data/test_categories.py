"""Categories in the writing of any shop: told from the catalog, found by any of their names."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shopkeeper.data import categories
from shopkeeper.data.catalog import Catalog, CatalogSettings
from shopkeeper.data.categories import CategoryFormat, CategoryNames, category_key
from shopkeeper.data.events import Events, EventsSettings
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.pipeline.facts import ItemFacts

TREE = [["Garden", "Tools"], ["Garden", "Pots"], ["Kitchen & Bath", "Pans"], ["Kitchen & Bath"]]
PATHS = [" > ".join(steps) for steps in TREE]
SEPARATORS = [">", " > ", ">>", " -> ", "|", " | ", "/", " / ", "\\", ",", ", ", ";", ":", " » ", "\uff1e"]


def wide(text: str) -> str:
    """Characters as wide as Chinese ones."""
    return "".join(chr(ord(letter) + 0xFEE0) for letter in text)


def read(values: list[object], **settings: object) -> Catalog:
    return Catalog.read(pa.table({"item_id": range(len(values)), "category": values}), CatalogSettings(**settings))


def paths(catalog: Catalog) -> list[str | None]:
    return catalog.table.column("category").to_pylist()


@pytest.mark.parametrize("separator", SEPARATORS)
def test_the_separator_is_told_from_the_values(separator: str) -> None:
    catalog = read([separator.join(steps) for steps in TREE])
    assert paths(catalog) == PATHS
    facts = ItemFacts.of(catalog, Vocabulary(range(4)))
    for steps, path in zip(TREE, PATHS, strict=True):
        for writing in (separator.join(steps), path, separator.join(steps).upper()):
            assert facts.category_names.named(writing) == path
    assert np.flatnonzero(facts.in_category("garden")).tolist() == [1, 2]
    assert np.flatnonzero(facts.in_category(separator.join(TREE[1]))).tolist() == [2]
    for nothing in ("Gard", "Tools", separator, "Garden > Tools > Spades"):
        assert facts.category_names.named(nothing) is None
        assert not facts.in_category(nothing).any()


@pytest.mark.parametrize(
    "values",
    [
        ['["Garden", "Tools"]', '["Garden", "Pots, small"]', "[]"],
        ["['Garden', 'Tools']", "[['Garden', 'Pots, small'], ['Old']]", ""],
        [["Garden", "Tools"], ["Garden", "Pots, small"], None],
    ],
)  # fmt: skip
def test_lists_give_their_elements(values: list[object]) -> None:
    catalog = read(values)
    assert paths(catalog) == ["Garden > Tools", "Garden > Pots, small", None]
    names = CategoryNames(PATHS, CategoryFormat.of(catalog.table))
    assert names.named('["Garden", "Tools"]') == "Garden > Tools"


@pytest.mark.parametrize(
    "values",
    [
        ["TV/Video", "Audio", "Books", "Toys, Games"], ["Home, Garden & Outdoor", "Books", "Music", "Toys"],
        ["1.0", "2.0", "3.0"], ["A/B"], ["12:30", "food"],
    ],
)  # fmt: skip
def test_signs_within_names_do_not_separate(values: list[str]) -> None:
    assert paths(read(values)) == values


def test_the_sign_that_most_values_hold_separates_and_others_belong_to_names() -> None:
    values = ["Electronics > TV/Video", "Electronics > Audio, HiFi", "Electronics > A|B", "Toys | Games"]
    expected = ["Electronics > TV/Video", "Electronics > Audio, HiFi", "Electronics > A|B", "Toys > Games"]
    assert paths(read(values)) == expected
    assert (
        paths(read(["Garden/Tools > 5", "Garden/Pots", *(f"Kitchen/Pan {n}" for n in range(20))]))[1] == "Garden > Pots"
    )


def test_a_setting_decides_alone() -> None:
    assert paths(read(["a_b", "a_c > d"], category_separator="_")) == ["a > b", "a > c>d"]
    assert paths(read(["Garden &gt; Tools &amp; more", " nan ", "/Garden/ "])) == [
        "Garden > Tools & more",
        None,
        "/Garden/",
    ]


def test_the_format_stays_with_the_catalog(tmp_path) -> None:
    catalog = read(["Garden/Tools", "Garden/Pots", "Kitchen/Pans"])
    assert CategoryFormat.of(catalog.table) == CategoryFormat("/")
    pq.write_table(catalog.table, tmp_path / "catalog.parquet")
    again = Catalog(pq.read_table(tmp_path / "catalog.parquet"))
    rows = Catalog(pa.table({"item_id": [7], "category": ["Garden > New"]}))
    for table in (again.table, again.updated(rows).table, again.aligned(Vocabulary([0, 1, 9]))):
        assert CategoryFormat.of(table) == CategoryFormat("/")
    assert CategoryFormat.of(pa.table({"item_id": [1]})) == CategoryFormat() == CategoryFormat.of(None)


def test_a_catalog_out_of_the_log_has_paths_too() -> None:
    log = pa.table({"user_id": [1, 1, 2], "item_id": [1, 2, 3], "event_type": ["view"] * 3, "timestamp": [1, 2, 3],
                    "group": ["Garden/Tools", "Garden/Pots", "Kitchen/Pans"]})  # fmt: skip
    catalog = Catalog.from_events(Events.read(log, EventsSettings(item_columns={"category": "group"})))
    assert paths(catalog) == ["Garden > Tools", "Garden > Pots", "Kitchen > Pans"]


def test_case_width_and_blanks_do_not_count() -> None:
    assert category_key(f"{wide('GARDEN')} > Größe  M") == category_key("garden > GRÖSSE M")
    names = CategoryNames(["Garden > Tools", "garden > tools", "家电 > 冰箱"])
    assert names.named(wide("GARDEN>Tools")) == "Garden > Tools" == names.spelling("garden > tools")
    assert names.named("家电|冰箱") == "家电 > 冰箱"
    facts = ItemFacts.of(read(["Garden > Tools", "garden > tools", "Kitchen"]), Vocabulary(range(3)))
    assert np.flatnonzero(facts.in_category("GARDEN")).tolist() == [1, 2]


def test_items_that_come_later_take_the_spelling_that_is_there() -> None:
    names = CategoryNames(["Garden > Tools", "Kitchen"], CategoryFormat("/"))
    assert names.written("garden/tools") == "Garden > Tools"
    assert names.written("GARDEN > New / old") == "Garden > New / old"
    assert names.written("garden/New") == "Garden > New"
    assert names.written("Cars/Old") == "Cars > Old"
    assert names.written("  ") is None and names.written(None) is None


def test_what_is_near_is_named() -> None:
    names = CategoryNames(["Garden > Tools", "Kitchen > Pots"])
    assert names.close_to("Garden > Tolls")[0] == "Garden > Tools"
    assert len(names.close_to("zzzz")) == 3


def test_of_many_categories_few_are_compared_letter_by_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def counting(word: str, names: Sequence[str], **options: Any) -> list[str]:
        compared.append(len(names))
        return get_close_matches(word, names, **options)

    monkeypatch.setattr(categories, "get_close_matches", counting)
    names = CategoryNames([f"Part {number % 7} > Thing {number}" for number in range(500)] + ["Garden > Tools"])
    assert names.close_to("Gadren > Toools")[0] == "Garden > Tools"
    assert names.close_to("Part 3 > Thingy 311")[0] == "Part 3 > Thing 311"
    assert max(compared) <= categories.LIKELY

"""Items are asked about once, until answers are valid; what was answered is never lost."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.features.attributes.answers import MANY, AnswerCache, Answered
from shopkeeper.features.attributes.feature import multi_hot
from shopkeeper.features.attributes.schema import Attribute
from shopkeeper.features.attributes.settings import AttributesSettings
from shopkeeper.features.store import Built, FeatureStore
from shopkeeper.jobs.attributes import with_attributes
from shopkeeper.recommenders.item_features import item_feature_vectors

TITLES = ["red cotton shirt", "blue wool coat", "red cotton shirt", "\U0001f600", None, "crimson silk scarf, 5 ml"]
IDS = Vocabulary(list("abcdef"))
CATALOG = Catalog(pa.table({"item_id": pa.array(list("abcdef"), pa.large_string()), "title": TITLES}))


def words(**changes: object) -> AttributesSettings:
    return build(AttributesSettings, {"extractor": {"name": "words"}, **changes})


def built(folder: Path, settings: AttributesSettings, catalog: Catalog = CATALOG) -> Built:
    return FeatureStore(folder).attributes(IDS, catalog, settings)


def test_a_table_and_a_matrix_are_kept_beside_each_other(tmp_path: Path):
    made = built(tmp_path, words())
    feature, table = made.feature, made.feature.table
    assert table is not None
    assert feature.name == "attributes-words"
    assert made.n_made == 3
    assert table.column_names == [
        "item_id", "extracted_color", "extracted_material", "extracted_gender", "extracted_size", "extracted_style",
        "valid", "tries",
    ]  # fmt: skip
    assert table.column("extracted_color").to_pylist() == ["red", "blue", "red", None, None, "red"]
    assert table.column("extracted_size").to_pylist()[-1] == "5 ml"
    assert table.column("tries").to_pylist() == [1, 1, 1, 0, 0, 1]
    assert feature.known.tolist() == [False, True, True, True, False, False, True]
    columns = feature.facts["columns"]
    assert [columns[place] for place in np.flatnonzero(feature.matrix[2])] == ["color:blue", "material:wool"]
    assert feature.facts["valid"] == feature.facts["valid_at_once"] == 1
    assert feature.facts["have"]["color"] == 1
    assert len(feature.facts["answer_examples"]) == 3


def test_other_items_get_their_rows_of_both(tmp_path: Path):
    feature = built(tmp_path, words()).feature.aligned(Vocabulary(["b", "f", "z"]))
    assert feature.table is not None
    assert feature.table.column("item_id").to_pylist() == ["b", "f", "z"]
    assert feature.table.column("extracted_color").to_pylist() == ["blue", "red", None]
    assert feature.known.tolist() == [False, True, True, False]


def test_nothing_is_asked_twice(tmp_path: Path):
    assert built(tmp_path, words()).n_made == 3
    assert built(tmp_path, words()).unchanged
    changed = [*TITLES[:5], "blue linen scarf"]
    other = Catalog(CATALOG.table.set_column(1, "title", pa.array(changed)))
    assert built(tmp_path, words(), other).n_made == 1
    wanted = {"color": {"kind": "choice", "values": ["red", "blue"]}}
    again = built(tmp_path, words(wanted=wanted))
    assert (again.unchanged, again.n_made) == (False, 3)


def test_the_catalog_gets_marked_columns(tmp_path: Path):
    shuffled = Catalog(CATALOG.table.take(pa.array([5, 0, 1, 3])))
    catalog = with_attributes(shuffled, built(tmp_path, words()).feature)
    assert catalog.table.column("extracted_material").to_pylist() == ["silk", "cotton", "wool", None]
    extracted = catalog.facts["extracted"]
    assert extracted["extractor"].startswith("words")
    assert extracted["valid"] == 1
    assert len(extracted["schema"]) == 32
    assert with_attributes(catalog, FeatureStore(tmp_path).open("attributes-words")).table.equals(catalog.table)


def test_networks_read_the_matrix_as_any_feature(tmp_path: Path, cycle: Dataset):
    titles = [f"{color} shirt" for color in ("red", "blue", "green")] * 4
    table = pa.table({"item_id": cycle.items.arrow, "title": titles})
    made = FeatureStore(tmp_path).attributes(cycle.items, Catalog(table), words())
    vectors = item_feature_vectors(cycle, [tmp_path / made.feature.name])
    assert np.array_equal(vectors[1], vectors[4])
    assert not np.array_equal(vectors[1], vectors[2])


def test_without_a_text_there_is_a_plain_error(tmp_path: Path):
    with pytest.raises(DataError, match="no item has a text"):
        built(tmp_path, words(), Catalog(CATALOG.table.set_column(1, "title", pa.array(["\U0001f600"] * 6))))
    with pytest.raises(DataError, match="no catalog"):
        FeatureStore(tmp_path).attributes(IDS, None, words())


def test_every_kind_becomes_numbers():
    wanted = {
        "tags": Attribute(kind="choices", values={"soft": (), "Warm": ()}),
        "dry": Attribute(kind="boolean"),
        "pack": Attribute(kind="number"),
        "brand": Attribute(),
    }
    answers = [
        Answered({"tags": ["soft", "Warm"], "dry": True, "pack": 1.0, "brand": "Acme"}, True, 1),
        Answered({"dry": False, "pack": 3.0, "brand": "acme"}, True, 1),
        None,
        Answered({"brand": "Zed"}, True, 1),
    ]
    columns, matrix = multi_hot(answers, wanted, 1)
    assert columns == ["tags:soft", "tags:warm", "dry:true", "dry:false", "pack", "pack:known", "brand:acme"]
    assert matrix.tolist() == [
        [0, 0, 0, 0, 0, 0, 0],
        [1, 1, 1, 0, -1, 1, 1],
        [0, 0, 0, 1, 1, 1, 1],
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
    ]


# The cache


def test_answers_come_back_as_they_went_in_and_a_damaged_file_is_noticed(tmp_path: Path):
    cache = AnswerCache(tmp_path / "answers")
    first = Answered({"tags": ["a"], "n": 1.5, "dry": True, "text": "红色"}, True, 2, 1, ("color",))
    second = Answered({}, False, 3, 0, (), ("no JSON",))
    with cache:
        cache.add("aa", first)
    with cache:
        cache.add("bb", second)
    assert AnswerCache(cache.folder).read() == {"aa": first, "bb": second}
    file = next(path for path in cache.folder.iterdir() if "bb" in path.read_text(encoding="utf-8"))
    file.write_bytes(file.read_bytes()[:-3])
    again = AnswerCache(cache.folder)
    assert again.read() == {"aa": first}
    assert again.n_damaged == 1
    assert not file.exists()


def test_many_small_files_become_one(tmp_path: Path):
    cache = AnswerCache(tmp_path)
    for place in range(MANY + 1):
        with cache:
            cache.add(f"{place}", Answered({}, True, 1))
    assert len(list(tmp_path.iterdir())) == MANY + 1
    assert len(cache.read()) == MANY + 1
    assert len(list(tmp_path.iterdir())) == 1
    assert len(cache.read()) == MANY + 1


def test_an_end_in_the_middle_writes_what_is_there(tmp_path: Path):
    cache = AnswerCache(tmp_path)
    with pytest.raises(KeyboardInterrupt), cache:
        cache.add("aa", Answered({"color": "red"}, True, 1))
        raise KeyboardInterrupt
    assert json.loads(next(tmp_path.iterdir()).read_text())["aa"]["values"] == {"color": "red"}

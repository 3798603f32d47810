"""The feature store, with the fast built-in encoder: aligned rows, nothing made twice, damage made good."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ArtifactError, DataError
from shopkeeper.features.feature import Feature
from shopkeeper.features.store import FeatureStore
from shopkeeper.features.text.settings import TextSettings

ITEMS = Vocabulary(["a", "b", "c", "d", "z"])
TITLES = {"d": "Red dress", "a": "Crimson gown", "b": "Shampoo", "c": "🎁"}


def catalog_of(titles: dict[str, Any] = TITLES) -> Catalog:
    return Catalog(pa.table({"item_id": pa.array(list(titles), pa.large_string()), "title": list(titles.values())}))


def settings_of(name: str = "static", **others: Any) -> TextSettings:
    return build(TextSettings, {"encoder": {"name": name}, "template": {"parts": ["{title}"]}, **others})


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(tmp_path / "features")


def test_rows_are_in_the_order_of_the_vocabulary_with_padding_first(store: FeatureStore) -> None:
    built = store.text(ITEMS, catalog_of(), settings_of())
    feature = built.feature
    encoder = settings_of().encoder.open()
    assert feature.matrix.shape == (6, encoder.size)
    assert feature.matrix.dtype == np.float32
    np.testing.assert_allclose(feature.matrix[4], encoder.encode(["Red dress"])[0], atol=1e-6)
    np.testing.assert_allclose(feature.matrix[1], encoder.encode(["Crimson gown"])[0], atol=1e-6)
    assert feature.known.tolist() == [False, True, True, False, True, False]
    assert not feature.matrix[[0, 3, 5]].any()
    assert feature.coverage == pytest.approx(3 / 5)
    facts = feature.facts
    assert (facts["items"], facts["with_text"], facts["empty"], facts["wordless"]) == (5, 3, 1, 1)
    assert store.names() == ["text-static"]
    assert np.array_equal(store.open("text-static").matrix, feature.matrix)


def test_nothing_is_made_twice_and_a_changed_title_costs_one_row(store: FeatureStore) -> None:
    first = store.text(ITEMS, catalog_of(), settings_of())
    assert (first.unchanged, first.n_made) == (False, 3)
    again = store.text(ITEMS, catalog_of(), settings_of())
    assert (again.unchanged, again.n_made) == (True, 0)
    changed = store.text(ITEMS, catalog_of({**TITLES, "b": "Soap"}), settings_of())
    assert (changed.unchanged, changed.n_made) == (False, 1)
    assert (changed.feature.matrix[[1, 4]] == first.feature.matrix[[1, 4]]).all()
    back = store.text(ITEMS, catalog_of(), settings_of())
    assert (back.unchanged, back.n_made) == (False, 0)


def test_another_vocabulary_or_name_or_template_takes_the_known_vectors(store: FeatureStore) -> None:
    store.text(ITEMS, catalog_of(), settings_of())
    fewer = store.text(Vocabulary(["b", "d"]), catalog_of(), settings_of())
    assert (fewer.unchanged, fewer.n_made, len(fewer.feature.matrix)) == (False, 0, 3)
    named = store.text(ITEMS, catalog_of(), settings_of(feature="title"))
    assert (named.unchanged, named.n_made) == (False, 0)
    assert store.names() == ["text-static", "title"]


def test_a_damaged_feature_is_built_again(store: FeatureStore) -> None:
    built = store.text(ITEMS, catalog_of(), settings_of())
    expected = np.array(built.feature.matrix)
    file = store.folder / "text-static" / "matrix.npy"
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(ArtifactError, match="truncated"):
        store.open("text-static")
    again = store.text(ITEMS, catalog_of(), settings_of())
    assert (again.unchanged, again.n_made) == (False, 0)
    assert np.array_equal(again.feature.matrix, expected)


def test_a_damaged_cache_is_told_in_the_facts(store: FeatureStore) -> None:
    store.text(ITEMS, catalog_of(), settings_of())
    (file,) = (store.folder / ".encoded").rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-4])
    again = store.text(ITEMS, catalog_of({**TITLES, "b": "Soap"}), settings_of())
    assert again.n_made == 3
    assert again.feature.facts["damaged_files"] == 1
    assert any("damaged" in warning for warning in again.feature.facts["warnings"])


def test_texts_in_a_script_that_the_model_does_not_know_are_warned_of(store: FeatureStore) -> None:
    chinese = catalog_of({"a": "红色连衣裙", "b": "Shampoo", "c": "洗发水", "d": "口红"})
    built = store.text(ITEMS, chinese, settings_of())
    (warning,) = built.feature.facts["warnings"]
    assert warning.startswith("75% of the texts")
    assert built.feature.facts["scripts"]["Han"] == pytest.approx(10 / 17, abs=1e-4)
    assert store.text(ITEMS, chinese, settings_of("multilingual")).feature.facts["warnings"] == []


def test_a_feature_follows_another_vocabulary(store: FeatureStore) -> None:
    feature = store.text(ITEMS, catalog_of(), settings_of()).feature
    moved = feature.aligned(Vocabulary(["b", "d", "new"]))
    assert np.array_equal(moved.matrix[1:3], feature.matrix[[2, 4]])
    assert moved.known.tolist() == [False, True, True, False]
    assert not moved.matrix[[0, 3]].any()
    assert feature.aligned(ITEMS) is feature


def test_what_cannot_be_is_said(store: FeatureStore) -> None:
    with pytest.raises(DataError, match="no catalog"):
        store.text(ITEMS, None, settings_of())
    with pytest.raises(DataError, match="no item has a text") as error:
        store.text(ITEMS, catalog_of({"a": "🎁", "b": None}), settings_of())
    assert "4 empty, 1 without a letter" in str(error.value)
    with pytest.raises(ArtifactError, match="no feature 'text-minilm'"):
        store.open("text-minilm")
    built = store.text(ITEMS, catalog_of(), settings_of())
    with pytest.raises(ArtifactError, match="did you mean 'text-static'"):
        store.open("text-statik")
    with pytest.raises(DataError, match="does not fit"):
        replace(built.feature, items=Vocabulary(["a"]))


def test_a_feature_saved_elsewhere_is_the_same(store: FeatureStore, tmp_path: Path) -> None:
    feature = store.text(ITEMS, catalog_of(), settings_of()).feature
    feature.save(tmp_path / "copy")
    found = Feature.open(tmp_path / "copy")
    assert found.items == ITEMS
    assert np.array_equal(found.matrix, feature.matrix)
    assert found.facts == feature.facts

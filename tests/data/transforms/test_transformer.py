"""The whole list of transforms: one matrix, saved without pickle, the same for one row in a service."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.artifacts import open_artifact, write_artifact
from shopkeeper.config import build, load_settings
from shopkeeper.data.transforms import FeatureSettings, FeatureTransformer, Outcome
from shopkeeper.data.transforms.base import Step
from shopkeeper.data.transforms.settings import TRANSFORMS
from shopkeeper.errors import ConfigError, DataError

TOML = """
[[steps]]
kind = "standard"
column = "price"
[[steps]]
kind = "log"
column = "price"
[[steps]]
kind = "min_max"
column = "price"
[[steps]]
kind = "quantile"
column = "price"
distribution = "normal"
[[steps]]
kind = "bucket"
column = "price"
n_buckets = 3
[[steps]]
kind = "threshold"
column = "new"
[[steps]]
kind = "presence"
column = "tags"
[[steps]]
kind = "one_hot"
column = "brand"
max_categories = 2
[[steps]]
kind = "index"
column = "brand"
normalize = true
[[steps]]
kind = "multi_hot"
column = "category"
paths = true
[[steps]]
kind = "multi_hot"
column = "tags"
[[steps]]
kind = "target"
column = "shop"
[[steps]]
kind = "hash"
column = "brand"
n_buckets = 50
n_hashes = 2
[[steps]]
kind = "cyclic"
column = "created_at"
timezone = "Asia/Shanghai"
"""


def table(n: int = 40, seed: int = 0) -> pa.Table:
    generator = np.random.default_rng(seed)
    price = pa.array(generator.lognormal(3, 1, n), mask=generator.random(n) < 0.2)
    pick = generator.integers(0, 4, n)
    return pa.table(
        {
            "price": price,
            "new": pa.array(generator.random(n) < 0.5),
            "brand": pa.array(["Acme", "Globex", None, "红星"]).take(pick),
            "category": pa.array(["A > B", "A", "C > B", None]).take(pick),
            "tags": pa.array([["x", "y"], [], None, ["z"]]).take(pick),
            "shop": pa.array([1, 2, 3, 4]).take(pick),
            "created_at": pa.array([datetime(2024, 1, 1 + day) for day in range(4)]).take(pick),
        }
    )


@pytest.fixture
def feature_settings(tmp_path) -> FeatureSettings:
    (tmp_path / "features.toml").write_text(TOML, encoding="utf-8")
    return load_settings(FeatureSettings, tmp_path / "features.toml")


@pytest.fixture
def fitted(feature_settings) -> FeatureTransformer:
    return FeatureTransformer.fit(table(), feature_settings, outcome())


def outcome(n: int = 40) -> Outcome:
    return Outcome(np.arange(n) % 3.0, np.arange(n, dtype=np.int64))


def test_this_file_tests_every_kind(feature_settings):
    assert {type(step) for step in feature_settings.steps} == set(TRANSFORMS)
    assert all(issubclass(settings, Step) for settings in TRANSFORMS)


def test_blocks_stand_beside_each_other_with_their_names(fitted):
    features = fitted.apply(table(7, seed=1))
    assert features.values.dtype == np.float32
    assert features.values.shape == (7, len(features.names))
    assert len(set(features.names)) == len(features.names)
    assert np.isfinite(features.values).all()
    assert features.index_names == ("price bucket", "brand index", "brand hash 1", "brand hash 2")
    assert features.index_sizes == (4, 5, 51, 51)
    assert features.indices.dtype == np.int32
    assert (features.indices >= 0).all()
    assert (features.indices < features.index_sizes).all()
    for transform in fitted.transforms:
        if transform.sizes is None:
            block = transform.apply(table(7, seed=1)[transform.step.column].combine_chunks())
            places = [features.names.index(name) for name in transform.names]
            np.testing.assert_array_equal(features.values[:, places], block)


def test_a_single_row_of_a_service_gives_the_same_numbers(fitted):
    rows = table(60, seed=2)
    features = fitted.apply(rows)
    for place in range(len(features)):
        one = fitted.apply({name: [value] for name, value in rows.slice(place, 1).to_pylist()[0].items()})
        np.testing.assert_array_equal(one.values[0], features.values[place])
        np.testing.assert_array_equal(one.indices[0], features.indices[place])


def test_saved_and_read_it_gives_the_same_numbers(fitted, tmp_path):
    with write_artifact(tmp_path / "it", "features") as writer:
        fitted.write(writer.folder("features"))
    again = FeatureTransformer.read(open_artifact(tmp_path / "it", "features").folder("features"))
    assert again.settings == fitted.settings
    first, second = fitted.apply(table(30, seed=3)), again.apply(table(30, seed=3))
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.indices, second.indices)
    assert (first.names, first.index_names, first.index_sizes) == (second.names, second.index_names, second.index_sizes)
    assert {file.suffix for file in (tmp_path / "it").rglob("*") if file.is_file()} == {
        ".json",
        ".parquet",
        ".safetensors",
    }


def test_what_is_learned_from_nulls_is_saved_too(feature_settings, tmp_path):
    nothing = pa.table({name: pa.nulls(2) for name in table().column_names})
    fitted = FeatureTransformer.fit(nothing, feature_settings, outcome(2))
    with write_artifact(tmp_path / "it", "features") as writer:
        fitted.write(writer)
    again = FeatureTransformer.read(open_artifact(tmp_path / "it", "features"))
    np.testing.assert_array_equal(again.apply(table()).values, fitted.apply(table()).values)
    np.testing.assert_array_equal(again.apply(nothing).indices, [[0, 0, 0, 0]] * 2)


def test_training_features_are_those_of_earlier_rows(feature_settings):
    fitted, features = FeatureTransformer.fit_apply(table(), feature_settings, outcome())
    later = fitted.apply(table())
    target = features.names.index("shop target")
    assert (features.values[:, target] != later.values[:, target]).any()
    others = [place for place in range(len(features.names)) if place != target]
    np.testing.assert_array_equal(features.values[:, others], later.values[:, others])
    assert features.values[0, target] == 0


def test_later_rows_do_not_change_what_was_learned(feature_settings):
    alone = FeatureTransformer.fit(table(), feature_settings, outcome())
    before = alone.apply(table()).values.copy()
    alone.apply(table(500, seed=9))
    np.testing.assert_array_equal(alone.apply(table()).values, before)


def test_no_rows_give_no_rows(fitted):
    features = fitted.apply(table().slice(0, 0))
    assert features.values.shape == (0, len(fitted.names))
    assert features.indices.shape == (0, 4)
    empty = fitted.apply({name: [] for name in table().column_names})
    assert len(empty) == 0
    with pytest.raises(DataError, match="at least one training row"):
        FeatureTransformer.fit(table().slice(0, 0), fitted.settings)


def test_no_steps_give_no_columns():
    assert FeatureTransformer.fit(table(), FeatureSettings()).apply(table()).values.shape == (40, 0)


def test_wrong_tables_are_named(fitted):
    with pytest.raises(DataError, match=r"no column 'new'(.|\n)*one of: price"):
        fitted.apply(table().drop_columns("new"))
    with pytest.raises(DataError, match=r"'price' has the wrong type(.|\n)*got: string"):
        fitted.apply(table().set_column(0, "price", pa.array(["1"] * 40)))
    with pytest.raises(DataError, match="not a table"):
        fitted.apply({"price": [1.0, 2.0], "new": [True]})
    with pytest.raises(DataError, match="not a table"):
        fitted.apply({"price": [1.0, "expensive"]})


def test_wrong_settings_are_named():
    with pytest.raises(ConfigError, match=r"not twice: price log"):
        build(FeatureSettings, {"steps": [{"kind": "log", "column": "price"}, {"kind": "log", "column": "price"}]})
    with pytest.raises(ConfigError, match="'one_hot'"):
        build(FeatureSettings, {"steps": [{"kind": "onehot", "column": "brand"}]})
    with pytest.raises(ConfigError, match=r"max_categories.*did you mean 'max_categories'"):
        build(FeatureSettings, {"steps": [{"kind": "one_hot", "column": "brand", "max_categorys": 3}]})
    two = [{"kind": "threshold", "column": "price", "threshold": value} for value in (1, 10)]
    assert [step.label for step in build(FeatureSettings, {"steps": two}).steps] == [
        "price at least 1",
        "price at least 10",
    ]

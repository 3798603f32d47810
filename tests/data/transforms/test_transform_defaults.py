"""The proposal for a catalog: readable by eye, and fit to use as it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.data.transforms import FeatureTransformer, default_feature_settings

N = 400
COLUMNS = {
    "item_id": pa.array(range(N)),
    "title": pa.array([f"Product {place}" for place in range(N)]),
    "brand": pa.array([f"Brand {place % 5}" for place in range(N)]),
    "category": pa.array([f"A > B{place % 3}" for place in range(N)]),
    "price": pa.array(np.exp(np.arange(N) / 80)),
    "available": pa.array([place % 2 == 0 for place in range(N)]),
    "created_at": pa.array([datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=place) for place in range(N)]),
    "organic": pa.array([place % 7 == 0 for place in range(N)]),
    "size": pa.array([place % 6 for place in range(N)]),
    "weight": pa.array(np.linspace(-1, 1, N)),
    "sold": pa.array([(place // 2) ** 4 for place in range(N)]),
    "serial": pa.array(range(7000, 7000 + N)),
    "maker": pa.array([f"Maker {place % 150}" for place in range(N)]),
    "colors": pa.array([["red", "blue"][: place % 3] for place in range(N)]),
    "slogan": pa.array([f"No. {place} of all" for place in range(N)]),
    "country": pa.array(["CN"] * N),
    "nothing": pa.nulls(N),
    "vector": pa.array([[0.5, 1.0]] * N),
    "details": pa.array([{"a": place} for place in range(N)]),
    "blob": pa.array([b"x%d" % place for place in range(N)]),
}


def test_each_column_gets_what_suits_it():
    proposed = default_feature_settings(pa.table(COLUMNS))
    assert [(step.column, step.kind) for step in proposed.steps] == [
        ("brand", "one_hot"),
        ("category", "multi_hot"),
        ("price", "log"),
        ("created_at", "quantile"),
        ("created_at", "cyclic"),
        ("organic", "threshold"),
        ("size", "one_hot"),
        ("weight", "standard"),
        ("sold", "log"),
        ("maker", "index"),
        ("colors", "multi_hot"),
    ]
    assert proposed.steps[1].paths
    assert not proposed.steps[-1].paths


def test_the_proposal_can_be_used_as_it_is():
    table = pa.table(COLUMNS)
    features = FeatureTransformer.fit(table, default_feature_settings(table)).apply(table)
    assert len(features) == N
    assert features.values.std(axis=0).max() < 2


def test_huge_vocabularies_are_hashed(monkeypatch):
    monkeypatch.setattr("shopkeeper.data.transforms.defaults.MANY_CATEGORIES", 149)
    assert default_feature_settings(pa.table(COLUMNS).select(["maker"])).steps[0].kind == "hash"


def test_dictionaries_and_code_columns():
    table = pa.table({"brand": pa.array(range(500)).take(pa.array(list(range(500)) * 2)),
                      "color": pa.array(["a", "b", "a", "b"] * 250).dictionary_encode()})  # fmt: skip
    assert [step.kind for step in default_feature_settings(table).steps] == ["index", "one_hot"]


def test_an_empty_catalog_gets_no_steps():
    assert default_feature_settings(pa.table(COLUMNS).slice(0, 0)).steps == ()


@pytest.mark.shared_data
def test_a_real_catalog(shared_data):
    import pyarrow.parquet as pq

    table = pq.read_table(shared_data / "amazon-beauty" / "catalog.parquet")
    features = FeatureTransformer.fit(table, default_feature_settings(table)).apply(table)
    assert len(features) == table.num_rows
    assert any("category" in name for name in features.names)
    assert not any("title" in name for name in (*features.names, *features.index_names))

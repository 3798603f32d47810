"""A new item stands where its title says: beside the goods of its kind; nonsense stands nowhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.artifacts import open_artifact, write_artifact
from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ArtifactError
from shopkeeper.features.store import FeatureStore
from shopkeeper.features.text.settings import TextSettings
from shopkeeper.pipeline.item_encoder import ItemEncoder, softmax_weights

TITLES = {"a": "Red cotton dress", "b": "Herbal shampoo", "c": "🎁", "d": "Blue cotton dress", "e": "Hair conditioner"}
ITEMS = Vocabulary(sorted(TITLES))
SETTINGS = build(TextSettings, {"encoder": {"name": "static"}, "template": {"parts": ["{title}"]}})


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> ItemEncoder:
    catalog = Catalog(pa.table({"item_id": pa.array(list(TITLES), pa.large_string()), "title": list(TITLES.values())}))
    store = FeatureStore(tmp_path_factory.mktemp("features"))
    return ItemEncoder.of(store.text(ITEMS, catalog, SETTINGS).feature, SETTINGS)


def test_neighbors_are_the_goods_of_its_kind(encoder: ItemEncoder) -> None:
    found, weights = encoder.neighbors(encoder.encode(["Green cotton dress", "Shampoo with herbs"]), k=3)
    assert set(ITEMS.ids(found[0, :2])) == {"a", "d"}
    assert ITEMS.ids(found[1, :1]) == ["b"]
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    assert (np.diff(weights, axis=1) <= 0).all()
    assert weights[1, 0] > 0.5


def test_what_is_like_nothing_has_no_neighbors_and_what_has_no_text_is_none(encoder: ItemEncoder) -> None:
    none = np.zeros((1, encoder.vectors.shape[1]), dtype=np.float32)
    found, weights = encoder.neighbors(none)
    assert not found.any()
    assert not weights.any()
    everything, _ = encoder.neighbors(encoder.encode(["cotton"]), k=10)
    assert everything.shape == (1, 10)
    assert ITEMS.index("c") not in everything


def test_blocks_of_items_find_what_one_would(encoder: ItemEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = encoder.encode(["Cotton shirt", "Soap for the hair"])
    whole = encoder.neighbors(asked, k=4)
    monkeypatch.setattr("shopkeeper.pipeline.item_encoder.BLOCK", 2)
    for one, other in zip(whole, encoder.neighbors(asked, k=4), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_neighbor_as_near_as_another_weighs_as_much() -> None:
    weights = softmax_weights(np.array([[0.9, 0.9, 0.1]], np.float32), np.array([[True, True, False]]))
    np.testing.assert_allclose(weights, [[0.5, 0.5, 0]])


def test_texts_are_filled_into_the_template_of_the_bundle(encoder: ItemEncoder) -> None:
    rows = pa.table({"title": ["Soap ", None, "🎁🎁"], "brand": ["x", "y", "z"]})
    assert encoder.texts(rows) == ["Soap", None, None]
    assert encoder.texts(rows.select(["brand"])) == [None, None, None]


def test_it_is_read_back_as_it_was(encoder: ItemEncoder, tmp_path: Path) -> None:
    with write_artifact(tmp_path / "encoder", "encoder") as writer:
        encoder.write(writer)
    back = ItemEncoder.read(open_artifact(tmp_path / "encoder", "encoder"))
    assert isinstance(back.vectors, np.memmap)
    assert (back.settings, back.identity, back.feeds_models) == (encoder.settings, encoder.identity, False)
    np.testing.assert_array_equal(back.vectors, encoder.vectors)
    assert back.problem is None
    assert back.key("soap") == encoder.key("soap") != encoder.key("Soap")


@pytest.mark.parametrize("wrong", [np.ones((1, 3)), np.ones((2, 256)), np.full((1, 256), np.nan)])
def test_a_model_that_gives_other_vectors_than_then_is_said(
    encoder: ItemEncoder, wrong: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(encoder._encoder), "encode", lambda *_: wrong.astype(np.float32))
    with pytest.raises(ArtifactError, match="other vectors"):
        encoder.encode(["soap"])


def test_another_version_of_the_model_encodes_nothing(encoder: ItemEncoder) -> None:
    other = replace(encoder, identity="static wordllama 0.1")
    assert other.problem is not None
    assert "static wordllama 0.1" in other.problem
    assert other.key("soap") != encoder.key("soap")
    with pytest.raises(ArtifactError, match="cannot be encoded"):
        other.encode(["soap"])

"""Which encoder a bundle gets: what its model reads, what is named, what its letters ask for, or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.features.settings import ItemFeatureSettings
from shopkeeper.features.store import FeatureStore
from shopkeeper.features.text.settings import TextSettings
from shopkeeper.jobs.newcomers import NewcomerSettings, item_encoder
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.pipeline.item_encoder import ItemEncoder
from shopkeeper.recommenders.sasrec import SASRec, SASRecConfig
from shopkeeper.recommenders.transitions import Transitions

TITLES = [f"Garden tool number {place}" for place in range(12)]


def shop(titles: list[str] | None) -> Dataset:
    """Everyone walks the items in a circle."""
    items = Vocabulary([f"item-{place:02d}" for place in range(12)])
    walks = Histories.of_items([(start + np.arange(8)) % 12 + 1 for start in range(24)])
    catalog = None if titles is None else Catalog(pa.table({"item_id": items.arrow, "title": titles}))
    return Dataset(Vocabulary(range(24)), items, walks, catalog=catalog)


def encoder_of(
    titles: list[str] | None, models: Any = (), **settings: Any
) -> tuple[ItemEncoder | None, dict[str, Any]]:
    found = build(ShopSettings, settings)
    return item_encoder(models, shop(titles), found.newcomers, found.features)


def test_a_shop_of_latin_letters_gets_the_fast_encoder() -> None:
    encoder, facts = encoder_of(TITLES, [Transitions()])
    assert encoder is not None
    assert encoder.settings.encoder.name == "static"
    assert facts["items_with_text"] == 12
    assert not encoder.feeds_models
    found, _ = encoder.neighbors(encoder.encode(["Garden tool number 7"]), k=1)
    assert found[0, 0] == 8


def test_a_shop_of_other_letters_gets_the_one_that_reads_them() -> None:
    encoder, _ = encoder_of([f"园艺工具第{place}号" for place in range(12)])
    assert encoder is not None
    assert encoder.settings.encoder.name == "multilingual"


@pytest.mark.parametrize(
    "settings",
    [
        {"features": {"text": {"encoder": {"name": "multilingual"}}}},
        {"newcomers": {"encoder": {"encoder": {"name": "multilingual"}}}},
    ],
)
def test_what_is_named_is_taken(settings: dict[str, Any]) -> None:
    encoder, _ = encoder_of(TITLES, **settings)
    assert encoder is not None
    assert encoder.settings.encoder.name == "multilingual"


@pytest.mark.parametrize(("titles", "reason"), [(None, "no catalog"), (["🎁"] * 12, "no item has a text")])
def test_without_texts_there_is_none_and_the_card_says_why(titles: list[str] | None, reason: str) -> None:
    encoder, facts = encoder_of(titles)
    assert encoder is None
    assert reason in facts["reason"]
    with pytest.raises(DataError, match=reason):
        encoder_of(titles, newcomers={"encoder": {"encoder": {"name": "static"}}})


def test_it_can_be_off() -> None:
    assert encoder_of(TITLES, newcomers={"encoder": "off"}) == (None, {"encoder": None, "reason": "it is off"})


def test_what_the_model_reads_is_taken_as_it_is(tmp_path: Path) -> None:
    train, text = shop(TITLES), build(TextSettings, {"encoder": {"name": "static"}})
    FeatureStore(tmp_path).text(train.items, train.catalog, text)
    model = SASRec(SASRecConfig(item_features=(tmp_path / "text-static",)))
    encoder, _ = item_encoder([Transitions(), model], train, NewcomerSettings(), ItemFeatureSettings())
    assert encoder is not None
    assert encoder.feeds_models
    np.testing.assert_allclose(np.linalg.norm(encoder.vectors[1:], axis=1), 1, atol=1e-3)


def test_the_next_training_encodes_only_what_is_new(tmp_path: Path) -> None:
    settings = NewcomerSettings(store=tmp_path / "store")
    item_encoder([], shop(TITLES), settings, ItemFeatureSettings())
    files = sorted((tmp_path / "store").rglob("*.safetensors"))
    again, _ = item_encoder([], shop(TITLES), settings, ItemFeatureSettings())
    assert again is not None
    assert sorted((tmp_path / "store").rglob("*.safetensors")) == files

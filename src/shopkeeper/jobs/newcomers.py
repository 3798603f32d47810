"""Gives a bundle the means to place items that come later: a text encoder, and the vectors of the items it knows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from shopkeeper.config import Settings, build
from shopkeeper.errors import DataError, ShopkeeperError
from shopkeeper.features.feature import Feature
from shopkeeper.features.settings import ItemFeatureSettings
from shopkeeper.features.store import FeatureStore
from shopkeeper.features.text.feature import text_feature
from shopkeeper.features.text.multilingual import MultilingualSettings
from shopkeeper.features.text.scripts import count_scripts
from shopkeeper.features.text.settings import TextSettings
from shopkeeper.features.text.static import StaticSettings
from shopkeeper.features.text.template import item_texts
from shopkeeper.pipeline.item_encoder import ItemEncoder
from shopkeeper.progress import Progress

if TYPE_CHECKING:
    from shopkeeper.data.dataset import Dataset
    from shopkeeper.recommenders.base import Recommender

IT_IS_OFF: Final = "it is off"
LOOKED_AT: Final = 10_000
"""Texts whose letters tell in which script a catalog is written."""


class NewcomerSettings(Settings):
    """How items that come after training are placed among those that the models know."""

    encoder: Literal["auto", "off"] | TextSettings = "auto"
    """What reads their texts: an encoder and a template as in `[features.text]`; "off" places by category alone. "auto"
    takes the text feature that the model itself reads, else what `[features.text]` names, else the fast static vectors
    (for catalogs that are not in Latin letters the multilingual network), else none."""
    store: Path | None = None
    """Folder of a feature store: what is encoded is kept there, so that the next training encodes only new texts. None
    keeps nothing; `shopkeeper retrain` then takes one in its work folder."""


def item_encoder(
    models: Iterable[Recommender],
    train: Dataset,
    settings: NewcomerSettings,
    features: ItemFeatureSettings,
    progress: Progress | None = None,
) -> tuple[ItemEncoder | None, dict[str, Any]]:
    """The encoder of a bundle, and what its card says of it.

    Args:
        models: Fitted recommenders of the pipeline; what they read of items is taken where it is one text feature.
        train: Their training part, with its catalog.
        settings: Which encoder.
        features: What "auto" falls back on.
        progress: Told how far encoding is.

    Raises:
        ShopkeeperError: An encoder that is named outright cannot be used; "auto" does without.
    """
    if settings.encoder == "off":
        return None, {"encoder": None, "reason": IT_IS_OFF}
    read = _feature_of(models)
    if settings.encoder == "auto" and read is not None:
        text = build(TextSettings, read.facts["settings"])
        found = ItemEncoder.of(read.aligned(train.items), text, feeds_models=True)
        return found, found.facts
    try:
        text = _settings(settings, features, train)
        found = _encoded(train, text, settings.store, progress)
    except ShopkeeperError as error:
        if settings.encoder != "auto":
            raise
        return None, {"encoder": None, "reason": error.problem}
    same = read is not None and read.facts["encoder"] == found.identity and read.facts["settings"] == _plain(text)
    found = ItemEncoder(found.settings, found.identity, found.vectors, feeds_models=same)
    return found, found.facts


def _settings(settings: NewcomerSettings, features: ItemFeatureSettings, train: Dataset) -> TextSettings:
    """Which encoder reads the texts."""
    if isinstance(settings.encoder, TextSettings):
        return settings.encoder
    text = features.text
    if "text" in features.model_fields_set and "encoder" in text.model_fields_set:
        return text
    if train.catalog is None:
        raise DataError("there is no catalog to take texts from", remedy="prepare the log with --catalog FEED")
    texts = item_texts(train.catalog.aligned(train.items).slice(0, LOOKED_AT), text.template)
    foreign = count_scripts(texts.texts, StaticSettings().open().scripts).foreign
    known = foreign[np.asarray(texts.known)]
    encoder = MultilingualSettings() if known.size and known.mean() > 0.5 else StaticSettings()
    return TextSettings(encoder=encoder, template=text.template, feature="")


def _encoded(train: Dataset, settings: TextSettings, folder: Path | None, progress: Progress | None) -> ItemEncoder:
    if train.catalog is None:
        raise DataError("there is no catalog to take texts from", remedy="prepare the log with --catalog FEED")
    encoder = settings.encoder.open()
    rows = train.catalog.aligned(train.items)
    with _store(folder) as store:
        feature, _ = text_feature(rows, train.items, settings, encoder, store.cache(encoder.identity), progress)
    return ItemEncoder.of(feature, settings)


@contextmanager
def _store(folder: Path | None) -> Iterator[FeatureStore]:
    if folder is not None:
        yield FeatureStore(folder)
        return
    with tempfile.TemporaryDirectory(prefix="shopkeeper-encoded-") as temporary:
        yield FeatureStore(Path(temporary))


def _feature_of(models: Iterable[Recommender]) -> Feature | None:
    """The text feature that the models read, where all that read any read this one alone."""
    read = {tuple(map(str, found)) for model in models for found in _named(model.config.model_dump())}
    if len(read) != 1 or len(only := next(iter(read))) != 1:
        return None
    feature = Feature.open(Path(only[0]))
    encoder = (feature.facts.get("settings") or {}).get("encoder")
    return feature if isinstance(encoder, dict) and "template" in feature.facts["settings"] else None


def _named(values: Any) -> Iterator[Any]:
    """Every value of `item_features` that is not empty, however deep in settings."""
    if isinstance(values, dict):
        for name, value in values.items():
            if name == "item_features" and value:
                yield value
            else:
                yield from _named(value)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _named(value)


def _plain(settings: TextSettings) -> dict[str, Any]:
    return settings.model_dump(mode="json")

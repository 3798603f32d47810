"""Builds features of the items of a prepared log, and finds the items that are near by one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.schema import CATEGORY, ITEM_ID, TITLE
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.data.vocabulary import UNKNOWN, Vocabulary
from shopkeeper.errors import ConfigError, DataError, UnknownIdError
from shopkeeper.features.attributes.feature import MARK
from shopkeeper.features.feature import Feature
from shopkeeper.features.neighbors import nearest
from shopkeeper.features.settings import ItemFeatureSettings
from shopkeeper.features.store import Built, FeatureStore
from shopkeeper.jobs.attributes import with_attributes
from shopkeeper.progress import Progress
from shopkeeper.types import Id, Int64Array

MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True)
class Wanted:
    """Which features to build.

    Attributes:
        text: Those of texts.
        pictures: Folder of the pictures, where those of pictures.
        as_of: Unix microseconds, where tabular ones; they look at events before.
        whole_catalog: Texts and pictures of every item of the catalog, also of those that the log does not have.
        attributes: Those that rules or a language model tell of texts.
    """

    text: bool = False
    pictures: Path | None = None
    as_of: int | None = None
    whole_catalog: bool = False
    attributes: bool = False


@dataclass(frozen=True)
class Near:
    """One neighbor of an item.

    Attributes:
        item: Its id.
        cosine: How near, 1 for the same direction.
        title: What the catalog calls it, None where it does not.
        category: Its category, None where there is none.
    """

    item: Id
    cosine: float
    title: str | None
    category: str | None


def build_features(
    dataset: Dataset,
    folder: Path,
    settings: ItemFeatureSettings,
    wanted: Wanted,
    progress: Progress | None = None,
) -> list[Built]:
    """Builds features into a store, as far as they are not there.

    Args:
        dataset: Whose items get them, and whose catalog and log they are made of.
        folder: Of the store.
        settings: How.
        wanted: Which.
        progress: Told how far it is.

    Returns:
        One result a kind: attributes, text, pictures, tabular. Templates of texts may name the columns of attributes,
        `{extracted_color}`, that `settings.attributes` names and that are in the store.

    Raises:
        ConfigError: None is wanted.
        DataError: There is no catalog, or it has not what is wanted.
    """
    if not (wanted.attributes or wanted.text or wanted.pictures is not None or wanted.as_of is not None):
        raise ConfigError(
            "say what to build",
            expected="--text ENCODER, --image FOLDER, --tabular, --attributes EXTRACTOR, or several",
        )
    store, built = FeatureStore(folder), list[Built]()
    items = _every_item(dataset) if wanted.whole_catalog else dataset.items
    if wanted.attributes:
        built.append(store.attributes(items, dataset.catalog, settings.attributes, progress))
    if wanted.text:
        built.append(store.text(items, _with_extracted(dataset.catalog, store, settings), settings.text, progress))
    if wanted.pictures is not None:
        built.append(store.image(items, dataset.catalog, settings.image, wanted.pictures, progress))
    if wanted.as_of is not None:
        built.append(store.tabular(dataset, wanted.as_of, settings.tabular))
    return built


def training_end(dataset: Dataset, settings: SplitSettings) -> int:
    """The moment after the last event of the training part, Unix microseconds."""
    return int(np.max(split(dataset, settings).train.histories.timestamp)) + 1


def moment_of(text: str) -> int:
    """Unix microseconds of a date or a moment such as "2026-03-01"; one without a zone is in UTC.

    Raises:
        DataError: It is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise DataError("this is no moment", expected="2026-03-01 or 2026-03-01T12:00", got=text) from error
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * MICROSECONDS)


def items_near(feature: Feature, dataset: Dataset, item: str, k: int) -> list[Near]:
    """The items that are nearest to one by a feature; the item itself comes first.

    Args:
        feature: Says what is near.
        dataset: Says what the items are.
        item: The id as text.
        k: Neighbors.

    Raises:
        UnknownIdError: The feature has no such item.
        DataError: The item is without the feature.
    """
    index = feature.items.indices([feature.items.parse(item)]).astype(np.int64)
    if index[0] == UNKNOWN:
        example = feature.items.ids([1])[0] if len(feature.items) else "none"
        raise UnknownIdError(
            f"the feature {feature.name!r} has no item {item!r}", expected=f"an id of the catalog, such as {example}"
        )
    if not feature.known[index[0]]:
        raise DataError(
            f"the item {item!r} is without the feature {feature.name!r}",
            expected="an item whose text has a letter or a digit",
        )
    found, cosines = nearest(feature, index, k)
    there = found[0] > 0
    shown = np.concatenate([index, found[0][there]])
    near = [1.0, *cosines[0][there].tolist()]
    words = (_column(dataset, feature.items, shown, name) for name in (_title_column(dataset), CATEGORY))
    return [Near(*row) for row in zip(feature.items.ids(shown), near, *words, strict=True)]


def _with_extracted(catalog: Catalog | None, store: FeatureStore, settings: ItemFeatureSettings) -> Catalog | None:
    """The catalog, with columns of attributes where the template of texts names one."""
    if catalog is None or not any(name.startswith(MARK) for name in settings.text.template.columns):
        return catalog
    return with_attributes(catalog, store.open(settings.attributes.feature_name))


def _every_item(dataset: Dataset) -> Vocabulary:
    """The items of the log and of the catalog together."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if dataset.catalog is None:
        return dataset.items
    try:
        listed = dataset.catalog.table.column(ITEM_ID).combine_chunks().cast(dataset.items.arrow.type)
    except pa.ArrowInvalid:  # ids of another kind: they are no items of this log
        return dataset.items
    return Vocabulary(pc.unique(pa.concat_arrays([dataset.items.arrow, listed])))


def _title_column(dataset: Dataset) -> str:
    return (dataset.catalog.title_column if dataset.catalog is not None else None) or TITLE


def _column(dataset: Dataset, items: Vocabulary, index: Int64Array, name: str) -> list[str | None]:
    """What the catalog says of items in one column."""
    if dataset.catalog is None or name not in dataset.catalog.table.column_names:
        return [None] * len(index)
    values: list[str | None] = dataset.catalog.aligned(items).column(name).take(index - 1).to_pylist()
    return values

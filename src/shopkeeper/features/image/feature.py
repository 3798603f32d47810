"""The feature of the pictures of items, its settings, and the facts of how it was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.data.schema import IMAGE
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError, choices
from shopkeeper.features.feature import UNFINISHED, Feature
from shopkeeper.features.fetching import FetchSettings
from shopkeeper.features.image.decoding import Fault, ImageLimits
from shopkeeper.features.image.encoder import EfficientNetSettings, ImageEncoder
from shopkeeper.features.image.encoders import AnyImageEncoder
from shopkeeper.features.image.encoding import EncodedImages, encode_images
from shopkeeper.features.image.sources import ImageBytes, ImageNames, ImageSource
from shopkeeper.features.vector_cache import VectorCache
from shopkeeper.progress import Progress

if TYPE_CHECKING:
    import pyarrow as pa

EXAMPLES: Final = 3


class ImageSettings(Settings):
    """One feature of pictures."""

    encoder: AnyImageEncoder = EfficientNetSettings()
    """The model, and its settings."""
    column: str = IMAGE
    """Column of the catalog: a path below the folder of pictures, a web address, or the bytes of a picture."""
    limits: ImageLimits = ImageLimits()
    """What is too large."""
    fetch: FetchSettings = FetchSettings()
    """Whether and how web addresses are fetched."""
    version: str = ""
    """Any word; change it, and what is behind web addresses is fetched and encoded anew."""
    feature: str = Field("", pattern=r"^[a-z0-9][a-z0-9._-]*$|^$")
    """Its name in the store; empty: "image-" and the name of the encoder."""

    @property
    def feature_name(self) -> str:
        """The name in the store."""
        return self.feature or f"image-{self.encoder.name}"


def image_source(rows: pa.Table, folder: Path | None, settings: ImageSettings) -> ImageSource:
    """The pictures that a catalog names or holds.

    Args:
        rows: The catalog, a row an item.
        folder: Where the files are; needed where the column names files.
        settings: Column and limits.

    Raises:
        DataError: There is no such column, or it names files and no folder is given.
    """
    import pyarrow as pa

    if settings.column not in rows.column_names:
        raise DataError(
            f"the catalog has no column {settings.column!r}", expected=choices(settings.column, rows.column_names),
            remedy="name the column with the paths of pictures: --set features.image.column=NAME",
        )  # fmt: skip
    column = rows.column(settings.column)
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return ImageBytes(column.to_pylist())
    if folder is None or not folder.is_dir():
        raise DataError("pictures are files", expected="the folder that holds them: --image FOLDER", got=str(folder))
    names = column.cast(pa.large_string()).to_pylist()
    return ImageNames(folder, names, settings.limits, settings.fetch, settings.version)


def image_feature(
    source: ImageSource,
    items: Vocabulary,
    settings: ImageSettings,
    encoder: ImageEncoder,
    cache: VectorCache,
    progress: Progress | None = None,
) -> tuple[Feature, int]:
    """Makes the feature, and tells how many pictures were encoded for it.

    Args:
        source: The pictures, one an item.
        items: Whose they are.
        settings: Limits and name.
        encoder: Makes the vectors that the cache does not have.
        cache: Of this encoder.
        progress: Told how far encoding is and how fast.

    Raises:
        DataError: No picture can be used.
    """
    encoded = encode_images(source, encoder, cache, settings.limits, progress)
    facts = _facts(encoded, items, encoder, settings)
    if not encoded.known.any():
        said = ", ".join(f"{count} {fault}" for fault, count in facts["faults"].items())
        raise DataError("no item has a picture that can be used", got=said, remedy="check the folder and the column")
    matrix = np.concatenate([np.zeros_like(encoded.vectors[:1]), encoded.vectors])
    known = np.concatenate([[False], encoded.known])
    return Feature(settings.feature_name, items, matrix, known, facts), encoded.n_encoded


def _facts(
    encoded: EncodedImages, items: Vocabulary, encoder: ImageEncoder, settings: ImageSettings
) -> Mapping[str, Any]:
    """How it was made, plain JSON; a few examples of each fault with the id of the item."""
    counts = Counter(fault.value for fault, _ in encoded.faults.values())
    examples: dict[str, list[str]] = {}
    for place, (fault, detail) in sorted(encoded.faults.items()):
        if fault is not Fault.UNNAMED and len(examples.setdefault(fault.value, [])) < EXAMPLES:
            examples[fault.value].append(f"{items.ids([place + 1])[0]}: {detail[:200]}")
    speed = encoded.n_encoded / encoded.seconds if encoded.seconds else None
    return {
        "settings": settings.model_dump(mode="json"),
        "encoder": encoder.identity,
        "size": int(encoded.vectors.shape[1]),
        "items": len(encoded.known),
        "with_image": int(encoded.known.sum()),
        "faults": dict(sorted(counts.items())),
        UNFINISHED: settings.fetch.enabled and bool(counts[Fault.UNREACHABLE] + counts[Fault.MISSING]),
        "examples": examples,
        "distinct": encoded.n_distinct,
        "encoded": encoded.n_encoded,
        "usage": dict(encoder.usage),
        "damaged_files": encoded.n_damaged,
        "encoding_seconds": round(encoded.seconds, 3),
        "images_a_second": None if speed is None else round(speed, 1),
        "warnings": [f"damaged files of the cache, made again: {encoded.n_damaged}"] if encoded.n_damaged else [],
    }

"""The feature of the texts of items, and the facts of how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import DataError
from shopkeeper.features.feature import Feature
from shopkeeper.features.text.encoder import TextEncoder
from shopkeeper.features.text.encoding import Encoded, encode_texts
from shopkeeper.features.text.scripts import ScriptCount, count_scripts
from shopkeeper.features.text.settings import TextSettings
from shopkeeper.features.text.template import ItemTexts, item_texts
from shopkeeper.features.vector_cache import VectorCache
from shopkeeper.progress import Progress

if TYPE_CHECKING:
    import pyarrow as pa


def text_feature(
    rows: pa.Table,
    items: Vocabulary,
    settings: TextSettings,
    encoder: TextEncoder,
    cache: VectorCache,
    progress: Progress | None = None,
) -> tuple[Feature, int]:
    """Makes the feature, and tells how many texts were encoded for it.

    Args:
        rows: The catalog, a row an item.
        items: Whose rows they are.
        settings: Template and name.
        encoder: Makes the vectors that the cache does not have.
        cache: Of this encoder.
        progress: Told how far encoding is and how fast.

    Raises:
        DataError: The catalog has none of the columns, or no item has a text.
    """
    texts = item_texts(rows, settings.template)
    places = np.flatnonzero(texts.known)
    if not places.size:
        raise DataError(
            "no item has a text", expected=f"letters in {', '.join(texts.columns)}",
            got=f"{texts.n_empty} empty, {texts.n_wordless} without a letter or digit",
        )  # fmt: skip
    readable = texts.texts.take(places)
    encoded = encode_texts(readable, encoder, cache, progress)
    matrix = np.zeros((len(items) + 1, encoded.vectors.shape[1]), dtype=np.float32)
    matrix[places + 1] = encoded.vectors
    facts = _facts(texts, encoded, encoder, count_scripts(readable, encoder.scripts), settings)
    known = np.concatenate([[False], texts.known])
    return Feature(settings.feature_name, items, matrix, known, facts), encoded.n_encoded


def _facts(
    texts: ItemTexts, encoded: Encoded, encoder: TextEncoder, scripts: ScriptCount, settings: TextSettings
) -> Mapping[str, Any]:
    """How a text feature was made, plain JSON."""
    warnings = [
        scripts.warning(encoder.name),
        f"damaged files of the cache, made again: {encoded.n_damaged}" if encoded.n_damaged else None,
    ]
    return {
        "settings": settings.model_dump(mode="json"),
        "encoder": encoder.identity,
        "size": int(encoded.vectors.shape[1]),
        "columns": list(texts.columns),
        "missing_columns": list(texts.missing),
        "items": len(texts.known),
        "with_text": int(texts.known.sum()),
        "empty": texts.n_empty,
        "wordless": texts.n_wordless,
        "cut": texts.n_cut,
        "distinct": encoded.n_distinct,
        "encoded": encoded.n_encoded,
        "damaged_files": encoded.n_damaged,
        "encoding_seconds": round(encoded.seconds, 3),
        "texts_a_second": round(encoded.n_encoded / encoded.seconds, 1) if encoded.seconds else None,
        "scripts": {name: round(share, 4) for name, share in scripts.shares.items()},
        "usage": dict(encoder.usage),
        "warnings": [warning for warning in warnings if warning],
    }

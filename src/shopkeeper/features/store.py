"""The feature store: a folder with one artifact a feature, and the vectors that they were made of, by content.

A feature that would come out the same is not made again: a fingerprint over encoder, template, columns and ids says so
within milliseconds. Where something changed, each text is looked up by its hash, and only new ones are encoded.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from shopkeeper.artifacts import artifact_exists
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ArtifactError, DataError, choices
from shopkeeper.features.feature import Feature
from shopkeeper.features.tabular import TabularSettings, tabular_feature
from shopkeeper.features.text.encoder import TextEncoder
from shopkeeper.features.text.encoding import Encoded, encode_texts
from shopkeeper.features.text.scripts import ScriptCount, count_scripts
from shopkeeper.features.text.settings import TextSettings
from shopkeeper.features.text.template import ItemTexts, item_texts, text_fingerprint
from shopkeeper.features.vector_cache import VectorCache
from shopkeeper.progress import Progress

CACHE: Final = "encoded"
FINGERPRINT: Final = "fingerprint"


@dataclass(frozen=True)
class Built:
    """What building a feature gave.

    Attributes:
        feature: As it stands in the store.
        unchanged: Whether it stood there already.
        n_made: Vectors that were made now.
        seconds: Time of everything, in seconds.
    """

    feature: Feature
    unchanged: bool
    n_made: int
    seconds: float


class FeatureStore:
    """Features of items in one folder.

    Args:
        folder: Made when the first feature is built.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def names(self) -> list[str]:
        """Features that stand in the store, in alphabetical order."""
        if not self.folder.is_dir():
            return []
        folders = (path for path in self.folder.iterdir() if not path.name.startswith(".") and path.name != CACHE)
        return sorted(path.name for path in folders if artifact_exists(path))

    def open(self, name: str) -> Feature:
        """One feature, its matrix memory-mapped.

        Raises:
            ArtifactError: There is none of that name, or it is damaged.
        """
        if not artifact_exists(self.folder / name):
            there = self.names()
            raise ArtifactError(
                f"{self.folder} has no feature {name!r}",
                expected=choices(name, there) if there else "features built with `shopkeeper features`",
                remedy="build it: shopkeeper features DATASET --text minilm",
            )
        return Feature.open(self.folder / name)

    def text(
        self, items: Vocabulary, catalog: Catalog | None, settings: TextSettings, progress: Progress | None = None
    ) -> Built:
        """Builds a text feature, as far as it is not there.

        Args:
            items: Whose rows the matrix has.
            catalog: What is written of them.
            settings: Encoder, template, name.
            progress: Told how far encoding is and how fast.

        Raises:
            DataError: There is no catalog, it has none of the columns, or no item has a text.
            MissingDependencyError: A library or the package with the weights is not installed.
            EndpointError: The model is elsewhere and does not answer; what was encoded is kept.
            ArtifactError: The store cannot be written.
        """
        begin = time.perf_counter()
        if catalog is None:
            raise DataError("there is no catalog to take texts from", remedy="prepare the log with --catalog FEED")
        encoder: TextEncoder = settings.encoder.open()
        rows = catalog.aligned(items)
        fingerprint = _hash(encoder.identity, text_fingerprint(rows, settings.template), _ids_hash(items))
        there = self._unchanged(settings.feature_name, fingerprint)
        if there is not None:
            return Built(there, True, 0, time.perf_counter() - begin)
        texts = item_texts(rows, settings.template)
        feature, encoded = self._encode(items, texts, encoder, settings, progress)
        seconds = time.perf_counter() - begin
        facts = {FINGERPRINT: fingerprint, "seconds": round(seconds, 3), **feature.facts}
        feature = Feature(feature.name, items, feature.matrix, feature.known, facts)
        feature.save(self.folder / feature.name)
        return Built(self.open(feature.name), False, encoded.n_encoded, time.perf_counter() - begin)

    def tabular(self, dataset: Dataset, as_of: int, settings: TabularSettings) -> Built:
        """Builds the feature "tabular" of the items of a dataset; see `tabular_feature`.

        Raises:
            ArtifactError: The store cannot be written.
        """
        begin = time.perf_counter()
        feature = tabular_feature(dataset, as_of, settings)
        feature.save(self.folder / feature.name)
        return Built(self.open(feature.name), False, len(feature.items), time.perf_counter() - begin)

    def _encode(
        self,
        items: Vocabulary,
        texts: ItemTexts,
        encoder: TextEncoder,
        settings: TextSettings,
        progress: Progress | None,
    ) -> tuple[Feature, Encoded]:
        places = np.flatnonzero(texts.known)
        if not places.size:
            raise DataError(
                "no item has a text", expected=f"letters in {', '.join(texts.columns)}",
                got=f"{texts.n_empty} empty, {texts.n_wordless} without a letter or digit",
            )  # fmt: skip
        readable = texts.texts.take(places)
        cache = VectorCache(self.folder / CACHE / _hash(encoder.identity)[:32])
        encoded = encode_texts(readable, encoder, cache, progress)
        matrix = np.zeros((len(items) + 1, encoded.vectors.shape[1]), dtype=np.float32)
        matrix[places + 1] = encoded.vectors
        facts = _facts(texts, encoded, encoder, count_scripts(readable, encoder.scripts), settings)
        return Feature(settings.feature_name, items, matrix, np.concatenate([[False], texts.known]), facts), encoded

    def _unchanged(self, name: str, fingerprint: str) -> Feature | None:
        """The feature of that name where it was made of the same; a damaged one counts as none."""
        try:
            there = Feature.open(self.folder / name)
        except ArtifactError:
            return None
        return there if there.facts.get(FINGERPRINT) == fingerprint else None


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


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _ids_hash(items: Vocabulary) -> str:
    digest = hashlib.sha256(items.kind.encode())
    for buffer in items.arrow.buffers():
        digest.update(buffer if buffer is not None else b"-")
    return digest.hexdigest()

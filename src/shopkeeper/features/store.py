"""The feature store: a folder with one artifact a feature, and the vectors that they were made of, by content.

A feature that would come out the same is not made again: a fingerprint over encoder, template, columns and ids says so
within milliseconds. Where something changed, each text is looked up by its hash, and only new ones are encoded.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from shopkeeper.artifacts import artifact_exists
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ArtifactError, DataError, choices
from shopkeeper.features.attributes.answers import AnswerCache
from shopkeeper.features.attributes.feature import attributes_feature
from shopkeeper.features.attributes.pictures import item_pictures
from shopkeeper.features.attributes.prompt import prompt_identity
from shopkeeper.features.attributes.settings import AttributesSettings
from shopkeeper.features.feature import UNFINISHED, Feature
from shopkeeper.features.image.decoding import VERSION
from shopkeeper.features.image.encoder import ImageEncoder
from shopkeeper.features.image.feature import ImageSettings, image_feature, image_source
from shopkeeper.features.tabular import TabularSettings, tabular_feature
from shopkeeper.features.text.encoder import TextEncoder
from shopkeeper.features.text.feature import text_feature
from shopkeeper.features.text.settings import TextSettings
from shopkeeper.features.text.template import text_fingerprint
from shopkeeper.features.vector_cache import VectorCache
from shopkeeper.progress import Progress

CACHE: Final = ".encoded"
"""A name that no feature can have."""
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
        folders = (path for path in self.folder.iterdir() if not path.name.startswith("."))
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

        def make() -> tuple[Feature, int]:
            return text_feature(rows, items, settings, encoder, self.cache(encoder.identity), progress)

        return self._built(settings.feature_name, fingerprint, make, begin)

    def image(
        self,
        items: Vocabulary,
        catalog: Catalog | None,
        settings: ImageSettings,
        folder: Path | None = None,
        progress: Progress | None = None,
    ) -> Built:
        """Builds a feature of pictures, as far as it is not there.

        Args:
            items: Whose rows the matrix has.
            catalog: Names the files, or holds their bytes.
            settings: Encoder, column, limits, name.
            folder: Where the files are; not needed for bytes.
            progress: Told how far encoding is and how fast.

        Raises:
            DataError: There is no catalog, it has no such column, or no picture can be used.
            MissingDependencyError: A library or the package with the weights is not installed.
            EndpointError: The model is elsewhere and does not answer; what was encoded is kept.
            ArtifactError: The store cannot be written.
        """
        begin = time.perf_counter()
        if catalog is None:
            raise DataError("there is no catalog to name pictures", remedy="prepare the log with --catalog FEED")
        encoder: ImageEncoder = settings.encoder.open()
        source = image_source(catalog.aligned(items), folder, settings)
        identity = f"{encoder.identity} {VERSION}"
        fingerprint = _hash(identity, source.fingerprint(), settings.limits.model_dump_json(), _ids_hash(items))

        def make() -> tuple[Feature, int]:
            return image_feature(source, items, settings, encoder, self.cache(identity), progress)

        return self._built(settings.feature_name, fingerprint, make, begin)

    def attributes(
        self, items: Vocabulary, catalog: Catalog | None, settings: AttributesSettings, progress: Progress | None = None
    ) -> Built:
        """Builds a feature of attributes that rules or a language model tell, as far as it is not there.

        Args:
            items: Whose rows the matrix has.
            catalog: What is written of them.
            settings: Who tells which attributes, template, name.
            progress: Told how far it is, how fast, and the share of valid answers.

        Raises:
            ConfigError: An address, a model or a file is not named.
            DataError: There is no catalog, it has none of the columns, or no item has a text.
            MissingDependencyError: A library or the package with the weights is not installed.
            EndpointError: The model is elsewhere and does not answer; what it answered before is kept.
            ArtifactError: The store cannot be written.
        """
        begin = time.perf_counter()
        if catalog is None:
            raise DataError("there is no catalog to take texts from", remedy="prepare the log with --catalog FEED")
        extractor, rows = settings.open(), catalog.aligned(items)
        pictures = item_pictures(rows, settings.pictures)
        asking = _hash(extractor.identity, prompt_identity(settings.wanted, settings.examples), str(settings.tries))
        read = _hash(text_fingerprint(rows, settings.template), pictures.fingerprint(), str(settings.most_texts))

        def make() -> tuple[Feature, int]:
            cache = AnswerCache(self.folder / CACHE / asking[:32])
            return attributes_feature(rows, items, settings, extractor, pictures, cache, progress)

        return self._built(settings.feature_name, _hash(asking, read, _ids_hash(items)), make, begin)

    def tabular(self, dataset: Dataset, as_of: int, settings: TabularSettings) -> Built:
        """Builds the feature "tabular" of the items of a dataset; see `tabular_feature`.

        Raises:
            ArtifactError: The store cannot be written.
        """
        begin = time.perf_counter()
        feature = tabular_feature(dataset, as_of, settings)
        feature.save(self.folder / feature.name)
        return Built(self.open(feature.name), False, len(feature.items), time.perf_counter() - begin)

    def cache(self, identity: str) -> VectorCache:
        """What an encoder of this identity made before."""
        return VectorCache(self.folder / CACHE / _hash(identity)[:32])

    def _built(self, name: str, fingerprint: str, make: Callable[[], tuple[Feature, int]], begin: float) -> Built:
        """The feature of that name as it stands there where it was made of the same, else made and saved."""
        there = self._unchanged(name, fingerprint)
        if there is not None:
            return Built(there, True, 0, time.perf_counter() - begin)
        made, n_made = make()
        facts = {**made.facts, FINGERPRINT: fingerprint, "seconds": round(time.perf_counter() - begin, 3)}
        replace(made, facts=facts).save(self.folder / name)
        return Built(self.open(name), False, n_made, time.perf_counter() - begin)

    def _unchanged(self, name: str, fingerprint: str) -> Feature | None:
        """The feature of that name where it was made of the same; a damaged or unfinished one counts as none."""
        try:
            there = Feature.open(self.folder / name)
        except ArtifactError:
            return None
        same = there.facts.get(FINGERPRINT) == fingerprint and not there.facts.get(UNFINISHED)
        return there if same else None


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _ids_hash(items: Vocabulary) -> str:
    digest = hashlib.sha256(items.kind.encode())
    for buffer in items.arrow.buffers():
        digest.update(buffer if buffer is not None else b"-")
    return digest.hexdigest()

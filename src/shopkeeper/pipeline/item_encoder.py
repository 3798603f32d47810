"""Where an item belongs that no model was trained on: between the items whose texts are most like its own.

A bundle carries the settings of a text encoder and what it made of the items of training; a new item is encoded with
the same model and template, and its nearest neighbors tell the recommenders what it is like.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shopkeeper.artifacts import ArtifactReader, ArtifactWriter, check_finite
from shopkeeper.config import build
from shopkeeper.errors import ArtifactError, DataError, ShopkeeperError
from shopkeeper.features.feature import Feature
from shopkeeper.features.text.encoder import TextEncoder
from shopkeeper.features.text.endpoint import EndpointSettings
from shopkeeper.features.text.settings import TextSettings
from shopkeeper.features.text.template import item_texts
from shopkeeper.features.vector_cache import content_key
from shopkeeper.recommenders.products import inner_products
from shopkeeper.recommenders.top_k import top_k
from shopkeeper.types import BoolArray, Float32Array, Int32Array

if TYPE_CHECKING:
    import pyarrow as pa

Float16Array: TypeAlias = NDArray[np.float16]

NEIGHBORS: Final = 20
"""Items of training that stand for a new one, at most."""
TEMPERATURE: Final = 0.1
"""Of the softmax over cosines: a neighbor that is farther by so much counts a factor of e less. On a catalog of 12,101
cosmetics, a tenth of them new, this finds more of what shoppers took next than sharper or flatter weights."""
LEAST_COSINE: Final = 0.2
"""Items that are farther are not like it at all."""
MOST_SECONDS: Final = 5.0
"""A model behind an address is asked once and waited for so long; the item is placed without it until it answers."""
BLOCK: Final = 8192
"""Items compared at once, which are as many as stay in a cache."""


@dataclass(frozen=True)
class ItemEncoder:
    """A text encoder and the vectors of the items of training.

    Attributes:
        settings: Encoder and template.
        identity: What the vectors were made by; another version of it makes others.
        vectors: float16 [n_items + 1, size]; of unit length, zeros where an item has no text; row 0 is padding.
        feeds_models: Whether these vectors are what models of the pipeline read as `item_features`.
    """

    settings: TextSettings
    identity: str
    vectors: Float16Array
    feeds_models: bool = False

    @staticmethod
    def of(feature: Feature, settings: TextSettings, feeds_models: bool = False) -> ItemEncoder:
        """From a text feature of the items of training and the settings that it was built with."""
        vectors = np.asarray(feature.matrix).astype(np.float16)
        return ItemEncoder(settings, str(feature.facts["encoder"]), vectors, feeds_models)

    @property
    def facts(self) -> dict[str, Any]:
        """What the card says of it."""
        known = int(np.any(np.asarray(self.vectors) != 0, axis=1).sum())
        return {"encoder": self.identity, "size": int(self.vectors.shape[1]), "items_with_text": known}

    @cached_property
    def problem(self) -> str | None:
        """Why nothing can be encoded here; None where it can. Weights are read when this is first asked."""
        try:
            if self._encoder.identity != self.identity:
                return f"the bundle was made with {self.identity}, installed is {self._encoder.identity}"
            self._encoder.load()
        except ShopkeeperError as error:
            return error.problem
        return None

    def texts(self, rows: pa.Table) -> list[str | None]:
        """The text of each row of a catalog by the template; None where none has a letter or a digit."""
        try:
            found = item_texts(rows, self.settings.template)
        except DataError:  # not one of the columns is there
            return [None] * len(rows)
        texts: list[str] = found.texts.to_pylist()
        return [text if known else None for text, known in zip(texts, found.known.tolist(), strict=True)]

    def key(self, text: str) -> bytes:
        """Names the vector of a text: 16 bytes, others for another encoder."""
        return content_key(f"{self.identity}\n{text}".encode("utf-8", "replace"))

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """Vectors of texts, float32 [n, size], of unit length.

        Raises:
            ArtifactError: The encoder is not that of the bundle, gives other vectors than then, or is not installed.
            EndpointError: It is elsewhere and does not answer.
        """
        if self.problem is not None:
            raise ArtifactError("new items cannot be encoded", got=self.problem)
        vectors, size = self._encoder.encode(texts), int(self.vectors.shape[1])
        if vectors.shape != (len(texts), size) or not np.isfinite(vectors).all():
            raise ArtifactError(
                "new items cannot be encoded: the model gives other vectors than when the bundle was made",
                expected=f"{size} finite numbers a text", got=f"shape {vectors.shape} of {len(texts)} texts",
                remedy="train again, with another version of the encoder in its settings",
            )  # fmt: skip
        return vectors

    def neighbors(self, vectors: Float32Array, k: int = NEIGHBORS) -> tuple[Int32Array, Float32Array]:
        """The items of training that are most like some vectors, exactly.

        Args:
            vectors: float32 [m, size], of unit length.
            k: How many at most.

        Returns:
            Indices int32 [m, k], nearest first, 0 where fewer are near enough; and weights float32 [m, k] that sum to
            1 in each row, or to 0 where nothing is.
        """
        n = len(self.vectors)
        items = np.zeros((len(vectors), 0), dtype=np.int32)
        cosines = np.zeros((len(vectors), 0), dtype=np.float32)
        for start in range(0, n, BLOCK):
            block = np.asarray(self.vectors[start : start + BLOCK]).astype(np.float32)
            found, values = top_k(inner_products(vectors.astype(np.float64), block), min(k, len(block)))
            items = np.concatenate([items, found + np.int32(start)], axis=1)
            cosines = np.concatenate([cosines, values], axis=1)
            order = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
            items, cosines = np.take_along_axis(items, order, axis=1), np.take_along_axis(cosines, order, axis=1)
        near = (cosines >= LEAST_COSINE) & (items > 0)
        return _padded(np.where(near, items, 0), k).astype(np.int32), _padded(softmax_weights(cosines, near), k)

    def write(self, writer: ArtifactWriter) -> None:
        """Writes the files into a folder of an artifact."""
        facts = {
            "settings": self.settings.model_dump(mode="json"),
            "identity": self.identity,
            "feeds_models": self.feeds_models,
        }
        writer.json("encoder.json", facts)
        writer.array("vectors.npy", self.vectors)

    @staticmethod
    def read(reader: ArtifactReader) -> ItemEncoder:
        """Opens the vectors of an artifact as a memory map.

        Raises:
            ConfigError: Another version wrote the settings.
        """
        facts = reader.json("encoder.json")
        settings = build(TextSettings, facts["settings"])
        vectors = reader.array("vectors.npy")
        check_finite(vectors, f"vectors.npy of {reader.path}")
        return ItemEncoder(settings, facts["identity"], vectors, facts["feeds_models"])

    @cached_property
    def _encoder(self) -> TextEncoder:
        encoder = self.settings.encoder
        if isinstance(encoder, EndpointSettings):
            seconds = min(encoder.requests.timeout_seconds, MOST_SECONDS)
            requests = encoder.requests.model_copy(update={"attempts": 1, "timeout_seconds": seconds})
            encoder = encoder.model_copy(update={"requests": requests})
        return encoder.open()


def softmax_weights(cosines: Float32Array, near: BoolArray) -> Float32Array:
    """Weights of neighbors, float32 [m, n], by a softmax over the cosines of those that are near."""
    best = np.max(cosines, axis=1, keepdims=True, initial=-1.0)
    weights = np.where(near, np.exp((cosines - best) / TEMPERATURE), 0)
    total = weights.sum(axis=1, keepdims=True)
    shares: Float32Array = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0).astype(np.float32)
    return shares


def _padded(values: NDArray[Any], width: int) -> NDArray[Any]:
    return np.pad(values, ((0, 0), (0, width - values.shape[1])))

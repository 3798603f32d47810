"""Static word vectors: a text is the mean of the vectors of its tokens. Fast, English, blind to word order.

The table is WordLlama's (MIT): token embeddings of a large language model, trained down to 256 numbers each. Its files
are read directly from the installed package; the package's own code is not run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from shopkeeper.config import Settings
from shopkeeper.errors import missing_dependency
from shopkeeper.features.text.encoder import EXTRA, PURPOSE, package_folder, package_version, unit_rows
from shopkeeper.types import Float32Array

PACKAGE: Final = "wordllama"


class StaticSettings(Settings):
    """Means of word vectors for English texts; tens of thousands of titles a second, no torch."""

    name: Literal["static"] = "static"
    """Chooses this encoder."""

    def open(self) -> StaticVectors:
        """The encoder."""
        return StaticVectors()


class StaticVectors:
    """Implements `TextEncoder`."""

    name = "static"
    size = 256
    scripts: frozenset[str] | None = frozenset({"Latin"})
    batch_size = 1024

    @property
    def identity(self) -> str:
        """Table and package."""
        return f"static {PACKAGE} {package_version(PACKAGE)} l2_supercat_256"

    @property
    def usage(self) -> Mapping[str, float]:
        """Nothing but time."""
        return {}

    def load(self) -> None:
        """Reads the table."""
        _ = self._tokenizer, self._table

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """Means of token vectors, float32 [n, 256], of unit length."""
        found = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        tokens = [text.ids for text in found]
        lengths = np.fromiter(map(len, tokens), np.int64, len(tokens))
        flat = np.fromiter((token for ids in tokens for token in ids), np.int64, int(lengths.sum()))
        starts = np.cumsum(lengths) - lengths
        filled = lengths > 0
        sums = np.zeros((len(tokens), self.size), dtype=np.float32)
        if filled.any():
            sums[filled] = np.add.reduceat(self._table[flat], starts[filled], axis=0)
        return unit_rows(sums)

    @cached_property
    def _folder(self) -> Path:
        return package_folder("wordllama", PACKAGE)

    @cached_property
    def _tokenizer(self) -> Any:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise missing_dependency("tokenizers", EXTRA, PURPOSE) from error
        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    @cached_property
    def _table(self) -> Float32Array:
        """float32 [tokens, 256]."""
        from safetensors.numpy import load_file

        read = load_file(self._folder / "weights" / "l2_supercat_256.safetensors")
        table: Float32Array = read["embedding.weight"].astype(np.float32)
        return table

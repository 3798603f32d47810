"""Any model of the library sentence-transformers, by its name on a hub or by a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.errors import ConfigError, missing_dependency
from shopkeeper.features.model_files import model_identity, without_bars
from shopkeeper.features.text.encoder import EXTRA, PURPOSE, unit_rows
from shopkeeper.types import Float32Array

LIBRARY: Final = "sentence-transformers"


class SentenceTransformerSettings(Settings):
    """A model of the library sentence-transformers."""

    name: Literal["sentence-transformers"] = "sentence-transformers"
    """Chooses this encoder."""
    model: str = ""
    """A folder, or a name on the hub such as "intfloat/multilingual-e5-small", which is fetched on first use."""
    revision: str | None = None
    """Branch, tag or commit of a name on the hub; name a commit, and vectors never change behind your back."""
    prefix: str = ""
    """Put before each text, where the model was trained so: "passage: "."""
    scripts: tuple[str, ...] = ()
    """Unicode scripts that the model knows, such as "Latin" and "Han"; empty: not known, nothing is warned of."""
    device: str | None = None
    """cpu, cuda, cuda:1, mps; None takes the best there is."""
    batch_size: Annotated[int, Field(ge=1)] = 64
    """Texts that go through the network together."""

    def open(self) -> SentenceTransformerEncoder:
        """The encoder."""
        return SentenceTransformerEncoder(self)


class SentenceTransformerEncoder:
    """Implements `TextEncoder`.

    Raises:
        ConfigError: No model is named.
    """

    name = LIBRARY

    def __init__(self, settings: SentenceTransformerSettings) -> None:
        if not settings.model:
            raise ConfigError("no model of sentence-transformers is named", expected="a folder or a name: --model NAME")
        self._settings = settings
        self.batch_size = settings.batch_size
        self.scripts = frozenset(settings.scripts) or None

    @cached_property
    def identity(self) -> str:
        """The hash of the folder's files, or name and revision."""
        settings = self._settings
        return f"{LIBRARY} {model_identity(settings.model, settings.revision)} {settings.prefix!r}"

    @property
    def size(self) -> int:
        """Length of a vector; reads the model."""
        model = self._model
        ask = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
        return int(ask())

    @property
    def usage(self) -> Mapping[str, float]:
        """Nothing but time."""
        return {}

    def load(self) -> None:
        """Reads the model."""
        _ = self._model

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """Vectors of the model, float32 [n, size], of unit length."""
        found = self._model.encode(
            [self._settings.prefix + text for text in texts],
            batch_size=self.batch_size,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        return unit_rows(np.asarray(found, dtype=np.float32))

    @cached_property
    def _model(self) -> Any:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise missing_dependency(LIBRARY, EXTRA, PURPOSE) from error
        settings = self._settings
        try:
            with without_bars():
                return SentenceTransformer(
                    settings.model, device=settings.device, revision=settings.revision, trust_remote_code=False
                )
        except (OSError, ValueError, RuntimeError) as error:
            raise ConfigError(
                f"sentence-transformers cannot load {settings.model!r}",
                expected="a folder of a model, or a name on the hub and a way to reach it",
                got=str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__,
                remedy="check the name; without the internet, give a folder that holds the model",
            ) from error

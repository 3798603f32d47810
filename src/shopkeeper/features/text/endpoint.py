"""Any endpoint for embeddings that speaks like OpenAI's: `POST URL/embeddings` with a model and a list of texts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Final

import numpy as np
from pydantic import Field

from shopkeeper.features.embeddings import EmbeddingsEndpoint, EmbeddingsSettings
from shopkeeper.types import Float32Array

EXAMPLE: Final = "https://api.openai.com/v1"


class EndpointSettings(EmbeddingsSettings):
    """A model behind an OpenAI-compatible endpoint."""

    scripts: tuple[str, ...] = ()
    """Unicode scripts that the model knows, such as "Latin" and "Han"; empty: not known, nothing is warned of."""
    batch_size: Annotated[int, Field(ge=1, le=2048)] = 128
    """Texts a request."""

    def open(self) -> Endpoint:
        """The encoder."""
        return Endpoint(self)


class Endpoint(EmbeddingsEndpoint):
    """Implements `TextEncoder`."""

    def __init__(self, settings: EndpointSettings) -> None:
        super().__init__(settings, EXAMPLE, "text-embedding-3-small")
        self.batch_size = settings.batch_size
        self.scripts = frozenset(settings.scripts) or None

    @cached_property
    def size(self) -> int:
        """Length of a vector: as set, or of the first answer."""
        return self._settings.dimensions or self.encode(["size"]).shape[1]

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """Vectors of the endpoint, float32 [n, size], made of unit length.

        Raises:
            EndpointError: It does not answer as it should.
        """
        batches = [texts[start : start + self.batch_size] for start in range(0, len(texts), self.batch_size)]
        parts = [self._post({"input": list(batch)}, len(batch)) for batch in batches]
        return self._joined(parts) if parts else np.empty((0, self.size), dtype=np.float32)

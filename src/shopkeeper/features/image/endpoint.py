"""Any endpoint that embeds pictures in the manner of OpenAI's for texts: `POST URL/embeddings`."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import Field

from shopkeeper.features.embeddings import EmbeddingsEndpoint, EmbeddingsSettings
from shopkeeper.types import Float32Array, UInt8Array

Form = Literal["image_url", "image", "messages"]
QUALITY: Final = 90
"""Of the JPEG that is sent."""


class ImageEndpointSettings(EmbeddingsSettings):
    """A model behind an endpoint that takes pictures."""

    form: Form = "image_url"
    """How pictures are written: "image_url" as a list of OpenAI's parts of messages, "image" as Jina does, "messages"
    as vLLM does, a chat with one picture a request."""
    side: Annotated[int, Field(ge=32, le=2048)] = 448
    """Pixels of a side of what is sent."""
    batch_size: Annotated[int, Field(ge=1, le=256)] = 8
    """Pictures a request; of the form "messages", requests at the same time."""

    def open(self) -> ImageEndpoint:
        """The encoder."""
        return ImageEndpoint(self)


class ImageEndpoint(EmbeddingsEndpoint):
    """Implements `ImageEncoder`."""

    def __init__(self, settings: ImageEndpointSettings) -> None:
        super().__init__(settings, "http://localhost:8000/v1", "NAME")
        self._form = settings.form
        self.batch_size = settings.batch_size
        self.side = settings.side

    @property
    def identity(self) -> str:
        """Address, model, dimensions, version, and how large pictures are sent."""
        return f"{super().identity} {self.side}"

    @cached_property
    def size(self) -> int:
        """Length of a vector: as set, or of an answer."""
        blank = np.full((1, self.side, self.side, 3), 255, dtype=np.uint8)
        return self._settings.dimensions or self.encode(blank).shape[1]

    def encode(self, pixels: UInt8Array) -> Float32Array:
        """Vectors of the endpoint, float32 [n, size], made of unit length.

        Raises:
            EndpointError: It does not answer as it should.
        """
        pictures = [_written(picture) for picture in pixels]
        step = 1 if self._form == "messages" else self.batch_size
        batches = [pictures[start : start + step] for start in range(0, len(pictures), step)]
        with ThreadPoolExecutor(self.batch_size if step == 1 else 1) as threads:
            return self._joined(list(threads.map(lambda batch: self._post(self._given(batch), len(batch)), batches)))

    def _given(self, pictures: Sequence[str]) -> dict[str, Any]:
        """The pictures in the form that the endpoint takes."""
        if self._form == "image":
            return {"input": [{"image": picture} for picture in pictures]}
        parts = [{"type": "image_url", "image_url": {"url": picture}} for picture in pictures]
        if self._form == "messages":
            return {"messages": [{"role": "user", "content": parts}]}
        return {"input": parts}


def _written(picture: UInt8Array) -> str:
    """A picture as a JPEG in a data address."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(picture).save(content, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"

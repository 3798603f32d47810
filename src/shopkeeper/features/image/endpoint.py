"""Any endpoint that embeds pictures in the manner of OpenAI's for texts: `POST URL/embeddings`."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.errors import ConfigError, EndpointError
from shopkeeper.features.patience import Patience, RequestSettings, key_headers
from shopkeeper.features.text.encoder import unit_rows
from shopkeeper.features.text.endpoint import vectors_of
from shopkeeper.types import Float32Array, UInt8Array

Form = Literal["image_url", "image", "messages"]
QUALITY: Final = 90
"""Of the JPEG that is sent."""


class ImageEndpointSettings(Settings):
    """A model behind an endpoint that takes pictures."""

    name: Literal["endpoint"] = "endpoint"
    """Chooses this encoder."""
    url: str = ""
    """Address before `/embeddings`, such as "http://localhost:8000/v1"."""
    model: str = ""
    """Name of the model as the endpoint spells it."""
    form: Form = "image_url"
    """How pictures are written: "image_url" as a list of OpenAI's parts of messages, "image" as Jina does, "messages"
    as vLLM does, a chat with one picture a request."""
    side: Annotated[int, Field(ge=32, le=2048)] = 448
    """Pixels of a side of what is sent."""
    dimensions: Annotated[int, Field(ge=1)] | None = None
    """Length of vectors to ask for and to insist on; None takes what comes."""
    version: str = ""
    """Any word; change it when the endpoint serves other weights under the same name, and all is encoded again."""
    batch_size: Annotated[int, Field(ge=1, le=256)] = 8
    """Pictures a request; of the form "messages", requests at the same time."""
    requests: RequestSettings = RequestSettings()
    """The key, how fast to ask, and how long to be patient."""
    price: Annotated[float, Field(ge=0)] = 0.0
    """Of a million tokens, for the count of the cost."""

    def open(self) -> ImageEndpoint:
        """The encoder."""
        return ImageEndpoint(self)


class ImageEndpoint:
    """Implements `ImageEncoder`.

    Raises:
        ConfigError: The address or the model is not named, or the address is no web address.
    """

    name = "endpoint"

    def __init__(self, settings: ImageEndpointSettings) -> None:
        if not settings.url.startswith(("http://", "https://")):
            raise ConfigError(
                "an endpoint needs an address", expected="--url http://localhost:8000/v1", got=repr(settings.url)
            )
        if not settings.model:
            raise ConfigError("an endpoint needs the name of a model", expected="--model NAME")
        self._settings = settings
        self._address = settings.url.rstrip("/") + "/embeddings"
        self._patience = Patience(settings.requests, key_headers(settings.requests))
        self._tokens = 0
        self.batch_size = settings.batch_size
        self.side = settings.side

    @property
    def identity(self) -> str:
        """Address, model, dimensions, version, and how large pictures are sent."""
        settings = self._settings
        return f"endpoint {self._address} {settings.model} {settings.dimensions} {settings.version} {settings.side}"

    @cached_property
    def size(self) -> int:
        """Length of a vector: as set, or of an answer."""
        blank = np.full((1, self.side, self.side, 3), 255, dtype=np.uint8)
        return self._settings.dimensions or self.encode(blank).shape[1]

    @property
    def usage(self) -> Mapping[str, float]:
        """Requests, attempts that had to be repeated, tokens and their cost."""
        cost = self._tokens * self._settings.price / 1e6
        return {**self._patience.usage, "tokens": self._tokens, "cost": cost}

    def load(self) -> None:
        """Nothing: there is nothing here to read."""

    def encode(self, pixels: UInt8Array) -> Float32Array:
        """Vectors of the endpoint, float32 [n, size], made of unit length.

        Raises:
            EndpointError: It does not answer as it should.
        """
        pictures = [_written(picture) for picture in pixels]
        step = 1 if self._settings.form == "messages" else self.batch_size
        batches = [pictures[start : start + step] for start in range(0, len(pictures), step)]
        with ThreadPoolExecutor(self.batch_size if step == 1 else 1) as threads:
            parts = list(threads.map(self._ask, batches))
        lengths = {part.shape[1] for part in parts}
        if len(lengths) > 1:
            raise EndpointError(f"{self._address} gives vectors of different lengths", got=str(sorted(lengths)))
        return unit_rows(np.concatenate(parts))

    def _ask(self, pictures: Sequence[str]) -> Float32Array:
        settings = self._settings
        asked: dict[str, Any] = {"model": settings.model, "encoding_format": "float", **self._given(pictures)}
        if settings.dimensions is not None:
            asked["dimensions"] = settings.dimensions
        answer = self._patience.post(self._address, asked)
        vectors = vectors_of(answer, len(pictures), self._address)
        if settings.dimensions is not None and vectors.shape[1] != settings.dimensions:
            raise EndpointError(
                f"{self._address} gives vectors of another length", expected=f"{settings.dimensions} numbers",
                got=str(vectors.shape[1]), remedy="set dimensions to what this model gives, or leave it out",
            )  # fmt: skip
        used = answer.get("usage")
        self._tokens += int(used.get("total_tokens") or 0) if isinstance(used, dict) else 0
        return vectors

    def _given(self, pictures: Sequence[str]) -> dict[str, Any]:
        """The pictures in the form that the endpoint takes."""
        if self._settings.form == "image":
            return {"input": [{"image": picture} for picture in pictures]}
        parts = [{"type": "image_url", "image_url": {"url": picture}} for picture in pictures]
        if self._settings.form == "messages":
            return {"messages": [{"role": "user", "content": parts}]}
        return {"input": parts}


def _written(picture: UInt8Array) -> str:
    """A picture as a JPEG in a data address."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(picture).save(content, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"

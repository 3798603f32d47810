"""Any endpoint for embeddings that speaks like OpenAI's: `POST URL/embeddings` with a model and a list of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.errors import ConfigError, EndpointError
from shopkeeper.features.patience import Patience, RequestSettings, key_headers
from shopkeeper.features.text.encoder import unit_rows
from shopkeeper.types import Float32Array

EXAMPLE: Final = "https://api.openai.com/v1"


class EndpointSettings(Settings):
    """A model behind an OpenAI-compatible endpoint."""

    name: Literal["endpoint"] = "endpoint"
    """Chooses this encoder."""
    url: str = ""
    """Address before `/embeddings`, such as "https://api.openai.com/v1" or "http://localhost:8000/v1"."""
    model: str = ""
    """Name of the model as the endpoint spells it."""
    dimensions: Annotated[int, Field(ge=1)] | None = None
    """Length of vectors to ask for and to insist on; None takes what comes."""
    version: str = ""
    """Any word; change it when the endpoint serves other weights under the same name, and all is encoded again."""
    scripts: tuple[str, ...] = ()
    """Unicode scripts that the model knows, such as "Latin" and "Han"; empty: not known, nothing is warned of."""
    batch_size: Annotated[int, Field(ge=1, le=2048)] = 128
    """Texts a request."""
    requests: RequestSettings = RequestSettings()
    """The key, how fast to ask, and how long to be patient."""
    price: Annotated[float, Field(ge=0)] = 0.0
    """Of a million tokens, for the count of the cost."""

    def open(self) -> Endpoint:
        """The encoder."""
        return Endpoint(self)


class Endpoint:
    """Implements `TextEncoder`.

    Raises:
        ConfigError: The address or the model is not named, or the address is no web address.
    """

    name = "endpoint"

    def __init__(self, settings: EndpointSettings) -> None:
        if not settings.url.startswith(("http://", "https://")):
            raise ConfigError("an endpoint needs an address", expected=f"--url {EXAMPLE}", got=repr(settings.url))
        if not settings.model:
            raise ConfigError("an endpoint needs the name of a model", expected="--model text-embedding-3-small")
        self._settings = settings
        self.batch_size = settings.batch_size
        self.scripts = frozenset(settings.scripts) or None
        self._address = settings.url.rstrip("/") + "/embeddings"
        self._patience = Patience(settings.requests, key_headers(settings.requests))
        self._tokens = 0

    @property
    def identity(self) -> str:
        """Address, model, dimensions and version."""
        settings = self._settings
        return f"endpoint {self._address} {settings.model} {settings.dimensions} {settings.version}"

    @cached_property
    def size(self) -> int:
        """Length of a vector: as set, or of the first answer."""
        return self._settings.dimensions or self.encode(["size"]).shape[1]

    @property
    def usage(self) -> Mapping[str, float]:
        """Requests, attempts that had to be repeated, tokens and their cost."""
        cost = self._tokens * self._settings.price / 1e6
        return {**self._patience.usage, "tokens": self._tokens, "cost": cost}

    def load(self) -> None:
        """Nothing: there is nothing here to read."""

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """Vectors of the endpoint, float32 [n, size], made of unit length.

        Raises:
            EndpointError: It does not answer as it should.
        """
        parts = [self._ask(texts[start : start + self.batch_size]) for start in range(0, len(texts), self.batch_size)]
        lengths = {part.shape[1] for part in parts}
        if len(lengths) > 1:
            raise EndpointError(f"{self._address} gives vectors of different lengths", got=str(sorted(lengths)))
        return np.concatenate(parts) if parts else np.empty((0, self.size), dtype=np.float32)

    def _ask(self, texts: Sequence[str]) -> Float32Array:
        settings = self._settings
        asked: dict[str, Any] = {"model": settings.model, "input": list(texts), "encoding_format": "float"}
        if settings.dimensions is not None:
            asked["dimensions"] = settings.dimensions
        answer = self._patience.post(self._address, asked)
        vectors = vectors_of(answer, len(texts), self._address)
        if settings.dimensions is not None and vectors.shape[1] != settings.dimensions:
            raise EndpointError(
                f"{self._address} gives vectors of another length",
                expected=f"{settings.dimensions} numbers",
                got=str(vectors.shape[1]),
                remedy="set dimensions to what this model gives, or leave it out",
            )
        used = answer.get("usage")
        self._tokens += int(used.get("total_tokens") or 0) if isinstance(used, dict) else 0
        return unit_rows(vectors)


def vectors_of(answer: Mapping[str, Any], n: int, address: str) -> Float32Array:
    """The vectors of an answer in the order of the texts, float32 [n, size].

    Raises:
        EndpointError: They are not n lists of equally many finite numbers.
    """
    try:
        rows = sorted(answer["data"], key=lambda row: row["index"])
        vectors = np.asarray([row["embedding"] for row in rows], dtype=np.float32)
    except (KeyError, TypeError, ValueError) as error:
        raise EndpointError(
            f"{address} answers in another form", expected='{"data": [{"index": 0, "embedding": [...]}]}',
            got=f"{type(error).__name__}: {error}",
        ) from error  # fmt: skip
    if [row["index"] for row in rows] != list(range(n)) or vectors.ndim != 2 or not vectors.shape[1]:
        raise EndpointError(
            f"{address} gives another number of vectors", expected=f"{n}, one for each text", got=str(len(rows))
        )
    if not np.isfinite(vectors).all():
        raise EndpointError(f"{address} gives numbers that are none", expected="finite numbers")
    return vectors

"""What endpoints of embeddings for texts and for pictures share: `POST URL/embeddings` in the manner of OpenAI's."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.errors import EndpointError
from shopkeeper.features.patience import Patience, RequestSettings, endpoint_address, key_headers
from shopkeeper.features.text.encoder import unit_rows
from shopkeeper.types import Float32Array


class EmbeddingsSettings(Settings):
    """A model behind an endpoint of embeddings."""

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
    requests: RequestSettings = RequestSettings()
    """The key, how fast to ask, and how long to be patient."""
    price: Annotated[float, Field(ge=0)] = 0.0
    """Of a million tokens, for the count of the cost."""


class EmbeddingsEndpoint:
    """Asks for vectors. Several threads may ask.

    Args:
        settings: Where, and how patiently.
        url: An address as an example, for errors.
        model: The name of a model as an example.

    Raises:
        ConfigError: The address or the model is not named, or the address is no web address.
    """

    name = "endpoint"

    def __init__(self, settings: EmbeddingsSettings, url: str, model: str) -> None:
        self._address = endpoint_address(settings.url, settings.model, "embeddings", url, model)
        self._settings = settings
        self._patience = Patience(settings.requests, key_headers(settings.requests))
        self._lock = threading.Lock()
        self._tokens = 0

    @property
    def identity(self) -> str:
        """Address, model, dimensions and version."""
        settings = self._settings
        return f"endpoint {self._address} {settings.model} {settings.dimensions} {settings.version}"

    @property
    def usage(self) -> Mapping[str, float]:
        """Requests, attempts that had to be repeated, tokens and their cost."""
        cost = self._tokens * self._settings.price / 1e6
        return {**self._patience.usage, "tokens": self._tokens, "cost": cost}

    def load(self) -> None:
        """Nothing: there is nothing here to read."""

    def _post(self, given: Mapping[str, Any], n: int) -> Float32Array:
        """Vectors of one request, float32 [n, size], of unit length.

        Args:
            given: What to encode, in the form that the endpoint takes.
            n: How many vectors must come.

        Raises:
            EndpointError: It does not answer as it should.
        """
        settings = self._settings
        asked: dict[str, Any] = {"model": settings.model, "encoding_format": "float", **given}
        if settings.dimensions is not None:
            asked["dimensions"] = settings.dimensions
        answer = self._patience.post(self._address, asked)
        vectors = vectors_of(answer, n, self._address)
        if settings.dimensions is not None and vectors.shape[1] != settings.dimensions:
            raise EndpointError(
                f"{self._address} gives vectors of another length", expected=f"{settings.dimensions} numbers",
                got=str(vectors.shape[1]), remedy="set dimensions to what this model gives, or leave it out",
            )  # fmt: skip
        used = answer.get("usage")
        with self._lock:
            self._tokens += int(used.get("total_tokens") or 0) if isinstance(used, dict) else 0
        return unit_rows(vectors)

    def _joined(self, parts: Sequence[Float32Array]) -> Float32Array:
        """Vectors of several requests, at least one, behind each other.

        Raises:
            EndpointError: They are of different lengths.
        """
        lengths = {part.shape[1] for part in parts}
        if len(lengths) > 1:
            raise EndpointError(f"{self._address} gives vectors of different lengths", got=str(sorted(lengths)))
        return np.concatenate(parts)


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

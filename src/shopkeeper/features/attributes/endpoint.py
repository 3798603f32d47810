"""Any endpoint that chats like OpenAI's: `POST URL/chat/completions` with a model and messages."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.errors import EndpointError
from shopkeeper.features.attributes.extractor import Asked
from shopkeeper.features.attributes.prompt import Example, chat_messages
from shopkeeper.features.attributes.schema import Wanted, json_schema
from shopkeeper.features.patience import (
    EndpointRefusedError,
    Patience,
    RequestSettings,
    endpoint_address,
    key_headers,
)

Structure = Literal["schema", "json", "none"]
STRUCTURES: Final[tuple[Structure, ...]] = ("schema", "json", "none")
UNSUPPORTED: Final = frozenset({400, 415, 422, 501})
"""What endpoints say to a form of answer that they do not know."""


class ChatEndpointSettings(Settings):
    """A language model behind an OpenAI-compatible endpoint."""

    name: Literal["endpoint"] = "endpoint"
    """Chooses this extractor."""
    url: str = ""
    """Address before `/chat/completions`, such as "https://api.openai.com/v1" or "http://localhost:11434/v1"."""
    model: str = ""
    """Name of the model as the endpoint spells it."""
    version: str = ""
    """Any word; change it when the endpoint serves another model under the same name, and all is asked again."""
    structure: Literal["auto", "schema", "json", "none"] = "auto"
    """Form of answer that is insisted on: a JSON schema, any JSON, nothing. "auto" takes the first that the endpoint
    does not refuse."""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"temperature": 0, "max_tokens": 500})
    """Sent with each request as they are."""
    at_once: Annotated[int, Field(ge=1, le=64)] = 4
    """Requests at the same time."""
    requests: RequestSettings = RequestSettings()
    """The key, how fast to ask, and how long to be patient."""
    price_in: Annotated[float, Field(ge=0)] = 0.0
    """Of a million tokens read, for the count of the cost."""
    price_out: Annotated[float, Field(ge=0)] = 0.0
    """Of a million tokens written."""

    def open(self, wanted: Wanted, examples: Sequence[Example]) -> ChatEndpoint:
        """The extractor."""
        return ChatEndpoint(self, wanted, examples)


class ChatEndpoint:
    """Implements `Extractor`.

    Args:
        settings: Where, and how patiently.
        wanted: The attributes.
        examples: Shown before each item.

    Raises:
        ConfigError: The address or the model is not named, or the address is no web address.
    """

    name = "endpoint"

    def __init__(self, settings: ChatEndpointSettings, wanted: Wanted, examples: Sequence[Example]) -> None:
        self._address = endpoint_address(
            settings.url, settings.model, "chat/completions", "https://api.openai.com/v1", "NAME"
        )
        self._settings = settings
        self._wanted = wanted
        self._examples = examples
        self._patience = Patience(settings.requests, key_headers(settings.requests))
        self._structure: Structure = "schema" if settings.structure == "auto" else settings.structure
        self._lock = threading.Lock()
        self._read = self._written = 0
        self.at_once = settings.at_once

    @property
    def identity(self) -> str:
        """Address, model, version and parameters."""
        settings = self._settings
        form = f"{settings.structure} {sorted(settings.parameters.items())}"
        return f"endpoint {self._address} {settings.model} {settings.version} {form}"

    @property
    def usage(self) -> Mapping[str, float]:
        """Requests, attempts that had to be repeated, tokens and their cost."""
        settings = self._settings
        cost = (self._read * settings.price_in + self._written * settings.price_out) / 1e6
        return {**self._patience.usage, "tokens read": self._read, "tokens written": self._written, "cost": cost}

    def load(self) -> None:
        """Nothing: there is nothing here to read."""

    def answer(self, asked: Asked) -> str:
        """What the model says."""
        messages = chat_messages(self._wanted, self._examples, asked)
        while True:
            structure = self._structure
            payload = {**self._settings.parameters, "model": self._settings.model, "messages": messages}
            try:
                answer = self._patience.post(self._address, payload | self._form(structure))
            except EndpointRefusedError as error:
                if not self._step_down(structure, error.status):
                    raise
            else:
                self._count(answer)
                return _said(answer, self._address)

    def _form(self, structure: Structure) -> dict[str, Any]:
        """The part of a request that insists on a form of answer."""
        schema = {"name": "attributes", "strict": True, "schema": json_schema(self._wanted)}
        forms: dict[Structure, dict[str, Any]] = {
            "schema": {"response_format": {"type": "json_schema", "json_schema": schema}},
            "json": {"response_format": {"type": "json_object"}},
            "none": {},
        }
        return forms[structure]

    def _step_down(self, structure: Structure, status: int) -> bool:
        """Asks for less from now on, where that may be why it refused; False where there is nothing less to ask."""
        if self._settings.structure != "auto" or structure == STRUCTURES[-1] or status not in UNSUPPORTED:
            return False
        with self._lock:
            if self._structure == structure:  # another thread may have stepped down already
                self._structure = STRUCTURES[STRUCTURES.index(structure) + 1]
        return True

    def _count(self, answer: Mapping[str, Any]) -> None:
        used = answer.get("usage")
        if isinstance(used, dict):
            with self._lock:
                self._read += int(used.get("prompt_tokens") or 0)
                self._written += int(used.get("completion_tokens") or 0)


def _said(answer: Mapping[str, Any], address: str) -> str:
    """The text of an answer, "" where the model refused to give one.

    Raises:
        EndpointError: It is of another form.
    """
    try:
        content = answer["choices"][0]["message"].get("content")
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise EndpointError(
            f"{address} answers in another form", expected='{"choices": [{"message": {"content": "..."}}]}',
            got=f"{type(error).__name__}: {error}",
        ) from error  # fmt: skip
    return content if isinstance(content, str) else ""

"""Asks an endpoint over HTTP with patience: a rate limit, time-outs, retries with growing waits, plain errors."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Mapping
from email.message import Message
from http.client import HTTPException
from typing import IO, Annotated, Any, Final
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pydantic import Field

from shopkeeper.config import Settings
from shopkeeper.errors import ConfigError, EndpointError

TRY_AGAIN: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
LONGEST_WAIT: Final = 60.0
"""Seconds between two attempts at most, whatever the endpoint asks for."""
MOST_BYTES: Final = 256 << 20
"""A longer answer is refused."""


class RequestSettings(Settings):
    """How an endpoint is asked."""

    key_variable: str = "OPENAI_API_KEY"
    """Environment variable with the key; where it is not set, none is sent."""
    requests_a_minute: Annotated[float, Field(gt=0)] | None = None
    """Ask no faster than this."""
    timeout_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Give up one attempt when nothing came for so long."""
    attempts: Annotated[int, Field(ge=1)] = 6
    """Attempts for one request before it fails."""
    first_wait_seconds: Annotated[float, Field(ge=0)] = 1.0
    """After the first failed attempt; each further wait is twice as long, up to a minute."""


class EndpointRefusedError(EndpointError):
    """An endpoint answered that it will not do what it was asked.

    Args:
        status: Of its answer.
        problem: One sentence: what is wrong.
        got: What it said.
        remedy: What the reader can do about it.
    """

    def __init__(self, status: int, problem: str, got: str, remedy: str) -> None:
        self.status = status
        super().__init__(problem, got=got, remedy=remedy)


def key_headers(settings: RequestSettings) -> dict[str, str]:
    """The header with the key, where the environment has one."""
    key = os.environ.get(settings.key_variable, "").strip()
    return {"Authorization": f"Bearer {key}"} if key else {}


def endpoint_address(url: str, model: str, path: str, example: str, example_model: str) -> str:
    """Where to post to.

    Args:
        url: Address before the path.
        model: Name of the model, which must be given.
        path: Such as "embeddings".
        example: An address, for errors.
        example_model: A name, for errors.

    Raises:
        ConfigError: The address or the model is not named, or the address is no web address.
    """
    if not url.startswith(("http://", "https://")):
        raise ConfigError("an endpoint needs an address", expected=f"--url {example}", got=repr(url))
    if not model:
        raise ConfigError("an endpoint needs the name of a model", expected=f"--model {example_model}")
    return f"{url.rstrip('/')}/{path}"


class NoRedirect(HTTPRedirectHandler):
    """For `build_opener`: a key must not travel on to another address, so that a redirect is an error of its status."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> Request | None:
        """Never goes on."""
        return None


class Patience:
    """Posts JSON and waits as long as it is worth it. Several threads may post.

    Args:
        settings: How long that is.
        headers: Sent with each request.
    """

    def __init__(self, settings: RequestSettings, headers: Mapping[str, str]) -> None:
        self._settings = settings
        self._headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
        self._opener = build_opener(NoRedirect)
        self._next_at = 0.0
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._requests = 0
        self._repeated = 0

    @property
    def usage(self) -> Mapping[str, float]:
        """Requests that were answered, and attempts that failed."""
        return {"requests": self._requests, "repeated": self._repeated}

    def post(self, address: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Posts JSON and reads the JSON object of the answer.

        Raises:
            EndpointError: It refuses, answers something else, or did not answer after all attempts.
        """
        body = json.dumps(payload).encode()
        for attempt in range(1, self._settings.attempts + 1):
            self._wait_turn()
            wait = min(LONGEST_WAIT, self._settings.first_wait_seconds * 2 ** (attempt - 1))
            try:
                answer = self._once(Request(address, body, self._headers, method="POST"))  # noqa: S310 - web addresses
            except HTTPError as error:
                said = _said(error)
                if error.code not in TRY_AGAIN or attempt == self._settings.attempts:
                    raise _refused(address, error.code, said, attempt) from error
                wait = _asked_wait(error.headers) or wait
            except (OSError, HTTPException) as error:
                if attempt == self._settings.attempts:
                    raise _gone(address, error, attempt) from error
            else:
                with self._lock:
                    self._requests += 1
                return _parsed(answer, address)
            with self._lock:
                self._repeated += 1
            time.sleep(wait * random.uniform(1.0, 1.25))  # noqa: S311 - so that many askers do not come back at once
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _once(self, request: Request) -> bytes:
        with self._opener.open(request, timeout=self._settings.timeout_seconds) as answer:
            content: bytes = answer.read(MOST_BYTES + 1)
            return content

    def _wait_turn(self) -> None:
        if self._settings.requests_a_minute is None:
            return
        with self._turn:
            time.sleep(max(0.0, self._next_at - time.monotonic()))
            self._next_at = time.monotonic() + 60 / self._settings.requests_a_minute


def _parsed(content: bytes, address: str) -> dict[str, Any]:
    if len(content) > MOST_BYTES:
        raise EndpointError(f"{address} sends too much", expected=f"at most {MOST_BYTES} bytes")
    try:
        answer = json.loads(content)
    except ValueError as error:
        raise EndpointError(f"{address} does not answer in JSON", got=repr(content[:80])) from error
    if not isinstance(answer, dict):
        raise EndpointError(f"{address} answers in another form", expected="a JSON object", got=type(answer).__name__)
    return answer


def _said(error: HTTPError) -> str:
    """What a refusal says, in one short line."""
    try:
        text = error.read(2000).decode("utf-8", "replace")
    except (OSError, HTTPException):
        return ""
    return " ".join(text.split())[:300]


def _asked_wait(headers: Message) -> float | None:
    """Seconds that an endpoint asks to wait, within reason."""
    try:
        return min(LONGEST_WAIT, max(0.0, float(headers.get("Retry-After", ""))))
    except ValueError:
        return None


def _refused(address: str, code: int, said: str, attempt: int) -> EndpointRefusedError:
    remedies = {
        401: "set the environment variable of key_variable to a valid key",
        403: "set the environment variable of key_variable to a key that may do this",
        404: "check the address and the name of the model",
        429: "set requests_a_minute lower, or come back later: what is encoded already is kept",
    }
    return EndpointRefusedError(
        code, f"{address} refuses", got=f"status {code} at attempt {attempt}: {said}",
        remedy=remedies.get(code, "see what it says; what is encoded already is kept, the same command goes on"),
    )  # fmt: skip


def _gone(address: str, error: Exception, attempt: int) -> EndpointError:
    return EndpointError(
        f"{address} does not answer", got=f"{error} at attempt {attempt}",
        remedy="check the address and that it runs; what is encoded already is kept, the same command goes on",
    )  # fmt: skip

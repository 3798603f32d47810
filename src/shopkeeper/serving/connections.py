"""Connections of one worker: what a caller may send, and how long that may take, before anything reads the request.

Uvicorn's protocol bounds neither the bytes of a header nor the time that it takes, and lets a request go on whose
caller has hung up. Here too long a header is answered with 431, too slow a one with 408, what is left open without a
request is closed, and the task of a request ends with its connection.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shopkeeper.serving.failures import RETRY, failure
from shopkeeper.serving.logs import LOGGER
from shopkeeper.serving.problems import (
    HeaderTooLongError,
    RequestError,
    TooSlowError,
    UnavailableError,
    UnreadableError,
)

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from shopkeeper.serving.settings import ServiceSettings

SWEEP_SECONDS: Final = 0.2
"""Between two looks for connections whose time is up."""
LINGER_SECONDS: Final = 2.0
"""A caller who was refused may go on sending for so long: closed at once, the answer could get lost on its way."""
LINGER_BYTES: Final = 1 << 23
"""And so much."""
MAX_PIPELINED: Final = 64
"""Requests that one caller may send ahead of their answers."""
NEVER: Final = math.inf


class Connections:
    """All open connections of one worker. Of one event loop.

    Args:
        settings: Their bounds.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self._open: dict[BoundedProtocol, None] = {}  # in the order in which they came
        self._sweeping: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._open)

    def add(self, protocol: BoundedProtocol) -> bool:
        """Takes a new connection; False where there are too many, and none that only waits could be closed for it."""
        of_address = self.settings.max_connections_per_address
        if of_address is not None and not _has_room(self._of(protocol.address), of_address):
            return False
        if not _has_room(self._open, self.settings.max_connections):
            return False
        self._open[protocol] = None
        if self._sweeping is None:
            self._sweeping = protocol.loop.call_later(SWEEP_SECONDS, self._sweep, protocol.loop)
        return True

    def discard(self, protocol: BoundedProtocol) -> None:
        """A connection is gone."""
        self._open.pop(protocol, None)

    def _of(self, address: str) -> list[BoundedProtocol]:
        return [protocol for protocol in self._open if protocol.address == address]

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for protocol in [one for one in self._open if one.due <= now]:
            protocol.expire()
        again = bool(self._open)
        self._sweeping = loop.call_later(SWEEP_SECONDS, self._sweep, loop) if again else None


def _has_room(protocols: Collection[BoundedProtocol], most: int) -> bool:
    """Whether one more may come; of too many the first goes whose time would be up, if one waits for its caller."""
    if len(protocols) < most:
        return True
    first = min(protocols, key=lambda protocol: protocol.due)
    if first.due == NEVER:
        return False
    first.drop()
    return True


class BoundedProtocol(HttpToolsProtocol):
    """One connection.

    Args:
        connections: Those of the worker.
        values: What uvicorn hands over.

    Attributes:
        due: Moment of the loop's clock at which the connection is given up.
        address: Of the caller.
    """

    def __init__(self, *values: Any, connections: Connections, **named: Any) -> None:
        super().__init__(*values, **named)
        settings = connections.settings
        self.due = NEVER
        self.address = ""
        self.timeout_keep_alive = settings.idle_seconds  # type: ignore[assignment] # call_later takes fractions too
        self._all = connections
        self._settings = settings
        self._application, self.app = self.app, self._answer
        self._task: asyncio.Task[Any] | None = None
        self._gone = False
        """Nobody waits for an answer any more."""
        self._problem: RequestError | None = None
        self._begun = False
        """A request began and is not whole yet."""
        self._in_body = False
        self._lingers = False
        self._unread = 0
        """Bytes that came since the last part of a body, or the last end of a header or a request."""
        self._ignored = 0
        """Bytes of a body that came after its answer, or of what was refused."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Takes the connection, or says that there are too many."""
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        self.due = self.loop.time() + self._settings.header_seconds
        if not self._all.add(self):
            full = UnavailableError("the service has too many connections", remedy="ask again in a moment")
            LOGGER.warning("refused before it was read: %s", full)
            transport.write(_written(full))
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the request that is being answered: nobody waits for it any more."""
        super().connection_lost(exc)
        self._all.discard(self)
        self._leave()

    def data_received(self, data: bytes) -> None:
        """Reads on, as far as the bounds allow."""
        if self._lingers or (self._in_body and self.cycle.response_complete):
            self._ignored += len(data)
            if self._ignored > LINGER_BYTES:
                self.drop()
                return
            if self._lingers:
                return
        self._unread += len(data)
        super().data_received(data)
        if self._unread > self._settings.max_header_bytes and not self._lingers:
            self._refuse(self._too_long())
        elif len(self.pipeline) > MAX_PIPELINED:
            self.drop()

    def on_message_begin(self) -> None:
        """A request begins."""
        if not self._begun and self.cycle is not None:
            self.due = self.loop.time() + self._settings.header_seconds
        self._begun = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The header is whole: it is bounded once more, exactly, and the body has its own time."""
        settings = self._settings
        length = len(self.url) + sum([len(name) + len(value) + 4 for name, value in self.headers])
        if length > settings.max_header_bytes or len(self.headers) > settings.max_header_lines:
            self._problem = self._too_long()
            raise self._problem
        self._unread = 0
        self._in_body = True
        self.due = self.loop.time() + settings.body_seconds
        super().on_headers_complete()
        self.headers = []  # what comes behind a body is no header of the request

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole, and the caller waits for us."""
        self._unread = self._ignored = 0
        self._begun = self._in_body = False
        answered = self.cycle.response_complete
        self.due = self.loop.time() + self._settings.idle_seconds if answered else NEVER
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is written, and we wait for the caller."""
        if not self._begun and not self.pipeline:
            self.due = self.loop.time() + self._settings.idle_seconds
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The caller does not read: that must not last."""
        self.due = self.loop.time() + self._settings.body_seconds
        super().pause_writing()

    def resume_writing(self) -> None:
        """The caller reads on."""
        if not self._begun:
            answering = self.cycle is not None and not self.cycle.response_complete
            self.due = NEVER if answering else self.loop.time() + self._settings.idle_seconds
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """The parser gave up: the request is too long, or it is none."""
        unreadable = UnreadableError("this is not HTTP", expected="a request of HTTP/1.1", got=msg)
        self._refuse(self._problem or unreadable)

    def expire(self) -> None:
        """The time of this connection is up."""
        if not self._begun or self._lingers or self.flow.write_paused:
            self.drop()
            return
        part, seconds = ("header", self._settings.header_seconds)
        if self._in_body:
            part, seconds = ("body", self._settings.body_seconds)
        self._refuse(TooSlowError(f"the {part} did not come in time", expected=f"all of it within {seconds:g} seconds"))

    def drop(self) -> None:
        """Closes the connection without a word, and without waiting for what the caller does not read."""
        self.due = NEVER
        self.transport.abort()

    def _refuse(self, error: RequestError) -> None:
        """Answers without asking the application, where nothing else is being answered, and closes."""
        LOGGER.warning("refused before it was read: %s", error)
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete and (
            self.pipeline or self.cycle.response_started or not self._in_body
        ):  # fmt: skip
            self.drop()
            return
        self.transport.write(_written(error))
        self._lingers = True
        self.due = self.loop.time() + LINGER_SECONDS
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._leave()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()

    def _leave(self) -> None:
        """Ends what is being answered."""
        self._gone = True
        if self._task is not None:
            self._task.cancel()

    def _too_long(self) -> HeaderTooLongError:
        bytes_, lines = self._settings.max_header_bytes, self._settings.max_header_lines
        return HeaderTooLongError("the header is too long", expected=f"at most {bytes_} bytes and {lines} lines")

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets the application answer, as long as the caller waits."""
        self._task = asyncio.current_task()
        try:
            await self._application(scope, receive, send)
        except asyncio.CancelledError:
            if not self._gone:
                raise
        finally:
            self._task = None


def _written(error: RequestError) -> bytes:
    """A whole answer of HTTP/1.1."""
    answer = failure(error, error.status, RETRY if error.status == UnavailableError.status else None)
    headers = [*answer.raw_headers, (b"connection", b"close")]
    phrase = HTTPStatus(error.status).phrase.encode()
    lines = [b"HTTP/1.1 %d %s" % (error.status, phrase), *(b"%s: %s" % pair for pair in headers)]
    return b"\r\n".join([*lines, b"", bytes(answer.body)])

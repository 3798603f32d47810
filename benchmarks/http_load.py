"""A client that is cheap enough to load a server on the same machine: raw HTTP/1.1 over asyncio streams.

Each turn of a shopper is an event and, once that is acknowledged, the request for recommendations: what the second
answer holds must know of the first. Two ways to load: so many shoppers at once, each turn after the other (what the
server can do), or so many turns a second at given moments whether or not earlier ones are done (what a shopper waits).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

RECOMMENDATIONS = "/recommendations"


@dataclass
class Load:
    """What came of a load.

    Attributes:
        events_ms: Milliseconds of each event.
        answers_ms: Milliseconds of each recommendation.
        late_ms: For turns at given moments, from the moment to the end of the recommendation.
        failures: Requests that were not answered with 200, or whose answer was empty.
        seconds: From the first turn to the last.
    """

    events_ms: list[float] = field(default_factory=list)
    answers_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    failures: int = 0
    seconds: float = 0.0

    def figures(self) -> dict[str, float]:
        """Turns a second and percentiles in milliseconds."""
        return {
            "turns": len(self.answers_ms),
            "turns_a_second": len(self.answers_ms) / max(self.seconds, 1e-9),
            **{f"answer_p{q}_ms": float(np.percentile(self.answers_ms, q)) for q in (50, 95, 99)},
            **{f"event_p{q}_ms": float(np.percentile(self.events_ms, q)) for q in (50, 99)},
            **{f"turn_p{q}_ms": float(np.percentile(self.late_ms, q)) for q in (50, 99) if self.late_ms},
            "failures": self.failures,
        }


class Connection:
    """One kept-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @staticmethod
    async def open(port: int) -> Connection:
        """Connects to the loopback address."""
        return Connection(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Sends JSON; the status and the body of the answer."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        lowered = answer.lower()
        length = int(lowered.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        return int(answer[9:12]), await self._reader.readexactly(length)

    def close(self) -> None:
        """Closes it."""
        self._writer.close()


Turn = Callable[[], tuple[bytes, bytes]]
"""Bodies of the next event and of the request for recommendations."""


async def _turn(connection: Connection, turn: Turn, load: Load, due: float | None, path: str) -> None:
    event, question = turn()
    began = time.perf_counter()
    status, _ = await connection.post("/events", event)
    stored = time.perf_counter()
    asked, answer = await connection.post(path, question)
    ended = time.perf_counter()
    load.events_ms.append((stored - began) * 1e3)
    load.answers_ms.append((ended - stored) * 1e3)
    if due is not None:
        load.late_ms.append((ended - due) * 1e3)
    if (status, asked) != (200, 200) or not json.loads(answer)["items"]:
        load.failures += 1


async def closed_loop(port: int, turn: Turn, shoppers: int, seconds: float, path: str = RECOMMENDATIONS) -> Load:
    """So many shoppers at once, each taking one turn after the other for so long."""
    load, began = Load(), time.perf_counter()

    async def shopper() -> None:
        connection = await Connection.open(port)
        while time.perf_counter() < began + seconds:
            await _turn(connection, turn, load, None, path)
        connection.close()

    await asyncio.gather(*(shopper() for _ in range(shoppers)))
    load.seconds = time.perf_counter() - began
    return load


async def open_loop(
    port: int, turn: Turn, rate: float, seconds: float, connections: int = 32, path: str = RECOMMENDATIONS
) -> Load:
    """So many turns a second, evenly spaced, over a pool of connections; a turn waits for a free one."""
    load, free = Load(), asyncio.Queue[Connection]()
    for _ in range(connections):
        free.put_nowait(await Connection.open(port))
    began = time.perf_counter() + 0.1

    async def at(due: float) -> None:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        connection = await free.get()
        await _turn(connection, turn, load, due, path)
        free.put_nowait(connection)

    await asyncio.gather(*(at(began + place / rate) for place in range(int(rate * seconds))))
    load.seconds = time.perf_counter() - began
    while not free.empty():
        free.get_nowait().close()
    return load


def turns(users: list[Any], items: list[Any], k: int, seed: int) -> Turn:
    """Views of random items by random shoppers, each with the question of the same shopper."""
    generator = np.random.default_rng(seed)
    drawn_users = generator.integers(len(users), size=1 << 16).tolist()
    drawn_items = generator.integers(len(items), size=1 << 16).tolist()
    place = 0

    def turn() -> tuple[bytes, bytes]:
        nonlocal place
        user, item = users[drawn_users[place & 0xFFFF]], items[drawn_items[place & 0xFFFF]]
        place += 1
        event = {"user_id": user, "item_id": item, "event_type": "view"}
        return json.dumps(event).encode(), json.dumps({"user_id": user, "k": k}).encode()

    return turn

"""Calls that only read and may take long, such as searches: a few at a time, so that they never hold up the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Final, ParamSpec, TypeVar

from shopkeeper.serving.problems import UnavailableError

Given = ParamSpec("Given")
Result = TypeVar("Result")
THREADS: Final = 2
"""Calls at a time; more would take turns with the answers for the one interpreter."""


class Lookups:
    """A few threads, and a queue before them that is short in number and time.

    Args:
        max_waiting: Most calls that may wait; one more is refused.
        max_seconds: How long a call may wait for a thread.
        threads: Calls at a time.
    """

    def __init__(self, max_waiting: int, max_seconds: float, threads: int = THREADS) -> None:
        self._max_waiting = max_waiting
        self._max_seconds = max_seconds
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="look-up")
        self._free = asyncio.Semaphore(threads)
        self._n_waiting = 0

    async def run(self, function: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
        """The result of a call; other coroutines run meanwhile. Who is cancelled leaves the queue.

        Raises:
            UnavailableError: Too many calls wait, or this one waited too long.
            Exception: What the function raised.
        """
        await self._turn()
        loop, context = asyncio.get_running_loop(), copy_context()
        working = self._pool.submit(lambda: context.run(function, *given, **named))
        working.add_done_callback(lambda _: self._leave(loop))
        return await asyncio.wrap_future(working)

    def close(self) -> None:
        """Ends the threads once they are free."""
        self._pool.shutdown(cancel_futures=True)

    async def _turn(self) -> None:
        if self._n_waiting >= self._max_waiting:
            raise self._overloaded(f"at most {self._max_waiting} searches that wait")
        self._n_waiting += 1
        try:
            async with asyncio.timeout(self._max_seconds):
                await self._free.acquire()
        except TimeoutError as error:
            raise self._overloaded(f"a turn within {self._max_seconds:g} seconds") from error
        finally:
            self._n_waiting -= 1

    @staticmethod
    def _overloaded(expected: str) -> UnavailableError:
        return UnavailableError("the service is overloaded", expected=expected, remedy="ask again in a moment")

    def _leave(self, loop: asyncio.AbstractEventLoop) -> None:
        """A thread is free again, though nobody may wait for what it found."""
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(self._free.release)

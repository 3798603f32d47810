"""Gathers calls that come at the same time into one call of a function, in one thread of its own.

Used for the commits of the event store and for the answers of the pipeline. It never waits for more calls: whatever
has queued up while the function was busy is the next batch, so a call alone is answered at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

from shopkeeper.serving.problems import UnavailableError

Given = TypeVar("Given")
Result = TypeVar("Result")


class Batcher(Generic[Given, Result]):
    """One thread that answers calls in batches, in the order in which they came.

    Args:
        name: What it does, for the thread's name and for errors.
        function: Takes what was given to some calls and returns as many results. Where it raises, each call of the
            batch is tried alone, so that one bad call does not spoil the others.
        max_batch: Most calls in a batch.
        max_waiting: Most calls that may wait; one more is refused.
        outages: Errors that would hit every call alike: the whole batch gets them, and nothing is tried again.
        observe: Told the number of calls of each batch.
    """

    def __init__(
        self,
        name: str,
        function: Callable[[list[Given]], Sequence[Result]],
        max_batch: int = 64,
        max_waiting: int = 2000,
        outages: tuple[type[Exception], ...] = (),
        observe: Callable[[int], None] | None = None,
    ) -> None:
        self.name = name
        self._function = function
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._outages = outages
        self._observe = observe
        self._queue: SimpleQueue[_Call[Given, Result] | None] = SimpleQueue()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Starts the thread."""
        self._thread = Thread(target=self._work, name=self.name, daemon=True)
        self._thread.start()

    async def call(self, given: Given) -> Result:
        """The result for one call; other coroutines run meanwhile.

        Raises:
            UnavailableError: Too many calls wait, or the service stops.
            Exception: What the function raised for this call.
        """
        if self._thread is None:
            raise UnavailableError("the service is stopping", remedy="ask again in a moment")
        if self._queue.qsize() >= self._max_waiting:
            raise UnavailableError(
                "the service is overloaded",
                expected=f"at most {self._max_waiting} requests that wait for the {self.name}",
                remedy="ask again in a moment, or run more workers",
            )
        call: _Call[Given, Result] = _Call(given, asyncio.get_running_loop())
        self._queue.put(call)
        return await call.future

    async def close(self) -> None:
        """Refuses new calls, answers those that wait, and ends the thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(thread.join)

    def _work(self) -> None:
        going_on = True
        while going_on:
            calls, going_on = self._next_batch()
            calls = [call for call in calls if not call.future.cancelled()]
            if calls:
                outcomes = self._outcomes([call.given for call in calls])
                _deliver(calls, outcomes)

    def _next_batch(self) -> tuple[list[_Call[Given, Result]], bool]:
        """Waits for one call and takes what else is there; False when there will be no more."""
        calls: list[_Call[Given, Result]] = []
        try:
            while len(calls) < self._max_batch:
                call = self._queue.get(block=not calls)
                if call is None:
                    return calls, False
                calls.append(call)
        except Empty:
            pass
        return calls, True

    def _outcomes(self, given: list[Given]) -> Sequence[Result | Exception]:
        if self._observe is not None:
            self._observe(len(given))
        try:
            results = self._function(given)
        except Exception as error:
            if len(given) == 1 or isinstance(error, self._outages):
                return [error] * len(given)
            return [self._alone(one) for one in given]
        if len(results) != len(given):
            return [RuntimeError(f"{self.name}: {len(results)} results for {len(given)} calls")] * len(given)
        return results

    def _alone(self, given: Given) -> Result | Exception:
        try:
            return self._function([given])[0]
        except Exception as error:
            return error


class _Call(Generic[Given, Result]):
    """What was given, and where the result goes."""

    __slots__ = ("future", "given", "loop")

    def __init__(self, given: Given, loop: asyncio.AbstractEventLoop) -> None:
        self.given = given
        self.loop = loop
        self.future: asyncio.Future[Result] = loop.create_future()


def _deliver(calls: list[_Call[Given, Result]], outcomes: Sequence[Result | Exception]) -> None:
    """Hands the outcomes over to the loop of the calls, all in one step."""
    try:
        calls[0].loop.call_soon_threadsafe(_settle, calls, outcomes)
    except RuntimeError:
        """The loop is closed: nobody waits any more."""


def _settle(calls: list[_Call[Given, Result]], outcomes: Sequence[Result | Exception]) -> None:
    for call, outcome in zip(calls, outcomes, strict=True):
        if call.future.done():
            continue
        if isinstance(outcome, Exception):
            call.future.set_exception(outcome)
        else:
            call.future.set_result(outcome)

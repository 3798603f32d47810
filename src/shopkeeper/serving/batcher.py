"""Gathers calls that come at the same time into one call of a function, in one thread of its own.

Used for the commits of the event store and for the answers of the pipeline. It never waits for more calls: whatever
has queued up while the function was busy is the next batch, so a call alone is answered at once. A call that waits too
long, or whose caller has gone, leaves the queue. Calls that take long stand in a queue of their own, and one of them
comes between two batches of the others: whoever asks little waits for one of them at most.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Lock, Thread
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
        max_seconds: How long a call may wait until it is taken; then it is refused, and never taken.
        outages: Errors that would hit every call alike: the whole batch gets them, and nothing is tried again.
        observe: Told the number of calls of each batch.
        is_long: Whether a call takes so long that it is taken alone.
    """

    def __init__(
        self,
        name: str,
        function: Callable[[list[Given]], Sequence[Result]],
        max_batch: int = 64,
        max_waiting: int = 500,
        max_seconds: float = 2.0,
        outages: tuple[type[Exception], ...] = (),
        observe: Callable[[int], None] | None = None,
        is_long: Callable[[Given], bool] = lambda _: False,
    ) -> None:
        self.name = name
        self._function = function
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._max_seconds = max_seconds
        self._outages = outages
        self._observe = observe
        self._is_long = is_long
        self._short: deque[_Call[Given, Result]] = deque()
        self._long: deque[_Call[Given, Result]] = deque()
        self._turn_of_long = False
        self._lock = Lock()
        self._signals: SimpleQueue[bool] = SimpleQueue()
        """True for each call that came; False for the end."""
        self._thread: Thread | None = None

    def start(self) -> None:
        """Starts the thread."""
        self._thread = Thread(target=self._work, name=self.name, daemon=True)
        self._thread.start()

    async def call(self, given: Given) -> Result:
        """The result for one call; other coroutines run meanwhile.

        Raises:
            UnavailableError: Too many calls wait, this one waited too long, or the service stops. Nothing was done.
            Exception: What the function raised for this call.
        """
        if self._thread is None:
            raise UnavailableError("the service is stopping", remedy="ask again in a moment")
        if len(self._short) + len(self._long) >= self._max_waiting:
            raise UnavailableError(
                "the service is overloaded",
                expected=f"at most {self._max_waiting} requests that wait for the {self.name}",
                remedy="ask again in a moment, or run more workers",
            )
        loop = asyncio.get_running_loop()
        call: _Call[Given, Result] = _Call(given, loop)
        queue = self._long if self._is_long(given) else self._short
        with self._lock:
            queue.append(call)
        self._signals.put(True)
        timer = loop.call_later(self._max_seconds, self._give_up, call)
        try:
            return await call.future
        except asyncio.CancelledError:
            self._take_out(call)
            raise
        finally:
            timer.cancel()

    def _give_up(self, call: _Call[Given, Result]) -> None:
        """Refuses a call that waited too long; one that was taken is waited for."""
        if self._take_out(call) and not call.future.done():
            call.future.set_exception(
                UnavailableError(
                    "the service is overloaded",
                    expected=f"a turn of the {self.name} within {self._max_seconds:g} seconds",
                    remedy="ask again in a moment, or run more workers",
                )
            )

    def _take_out(self, call: _Call[Given, Result]) -> bool:
        """Whether a call still waited; it does so no more."""
        with self._lock:
            for queue in (self._short, self._long):
                if call in queue:
                    queue.remove(call)
                    return True
        return False

    async def close(self) -> None:
        """Refuses new calls, answers those that wait, and ends the thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._signals.put(False)
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
        """Waits for a call and takes what else is there; False when no more will come and none is left.

        There are as many signals as calls, so that what is left here has one of its own.
        """
        going_on = self._signals.get()
        with self._lock:
            if self._long and (self._turn_of_long or not self._short):
                calls = [self._long.popleft()]
            else:
                calls = [self._short.popleft() for _ in range(min(self._max_batch, len(self._short)))]
            self._turn_of_long = not self._turn_of_long
            left = bool(self._short or self._long)
        if not going_on and left:
            self._signals.put(False)
        return calls, going_on or left

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

"""The batcher: batches only what waits, keeps the order, keeps errors apart, drains."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from shopkeeper.serving.batcher import Batcher
from shopkeeper.serving.problems import UnavailableError
from waiting import A_LONG_TIME


class Gate:
    """A function whose first call waits until the gate opens, so that later calls queue up."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.entered = threading.Event()
        self.batches: list[list[int]] = []

    def __call__(self, given: list[int]) -> list[int]:
        self.batches.append(list(given))
        self.entered.set()
        assert self.open.wait(A_LONG_TIME)
        return [10 * value for value in given]


@asynccontextmanager
async def running(
    function: Callable[[list[int]], Sequence[int]], **options: object
) -> AsyncIterator[Batcher[int, int]]:
    batcher: Batcher[int, int] = Batcher("test", function, **options)  # type: ignore[arg-type]
    batcher.start()
    yield batcher
    await batcher.close()


async def queued(batcher: Batcher[int, int], gate: Gate, values: Sequence[int]) -> list[asyncio.Task[int]]:
    """The first value is being worked on, the others wait."""
    tasks = [asyncio.create_task(batcher.call(values[0]))]
    await asyncio.to_thread(gate.entered.wait, A_LONG_TIME)
    tasks += [asyncio.create_task(batcher.call(value)) for value in values[1:]]
    await asyncio.sleep(0)
    return tasks


def test_what_waits_is_one_batch_in_order() -> None:
    async def go() -> None:
        gate = Gate()
        async with running(gate) as batcher:
            tasks = await queued(batcher, gate, range(6))
            gate.open.set()
            assert await asyncio.gather(*tasks) == [0, 10, 20, 30, 40, 50]
            assert gate.batches == [[0], [1, 2, 3, 4, 5]]

    asyncio.run(go())


def test_a_batch_is_not_longer_than_allowed() -> None:
    async def go() -> None:
        gate = Gate()
        async with running(gate, max_batch=2) as batcher:
            tasks = await queued(batcher, gate, range(6))
            gate.open.set()
            await asyncio.gather(*tasks)
            assert gate.batches == [[0], [1, 2], [3, 4], [5]]

    asyncio.run(go())


def test_a_call_alone_does_not_wait() -> None:
    batches: list[list[int]] = []

    def function(given: list[int]) -> list[int]:
        batches.append(given)
        return given

    async def go() -> None:
        async with running(function) as batcher:
            for value in range(200):
                assert await batcher.call(value) == value

    asyncio.run(go())
    assert batches == [[value] for value in range(200)]


def test_one_bad_call_does_not_spoil_the_others() -> None:
    def function(given: list[int]) -> list[int]:
        if 13 in given:
            raise ValueError("thirteen")
        return given

    async def go() -> None:
        async with running(function) as batcher:
            outcomes = await asyncio.gather(*map(batcher.call, [1, 13, 2]), return_exceptions=True)
            assert outcomes[0] == 1 and outcomes[2] == 2
            assert isinstance(outcomes[1], ValueError)
            assert await batcher.call(3) == 3

    asyncio.run(go())


def test_an_outage_is_not_tried_for_each_call() -> None:
    calls: list[list[int]] = []
    gate = threading.Event()

    def function(given: list[int]) -> list[int]:
        calls.append(given)
        assert gate.wait(A_LONG_TIME)
        raise ConnectionError("away")

    async def go() -> None:
        async with running(function, outages=(ConnectionError,)) as batcher:
            tasks = [asyncio.create_task(batcher.call(value)) for value in range(5)]
            await asyncio.sleep(0)  # every call waits now, or is being worked on
            gate.set()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [ConnectionError] * 5
            assert sum(map(len, calls)) == 5

    asyncio.run(go())


def test_too_few_results_are_an_error_of_every_call() -> None:
    async def go() -> None:
        async with running(lambda given: given[1:]) as batcher:
            with pytest.raises(RuntimeError, match="0 results for 1 calls"):
                await batcher.call(1)

    asyncio.run(go())


def test_a_cancelled_call_is_left_out_and_the_others_are_answered() -> None:
    async def go() -> None:
        gate = Gate()
        async with running(gate) as batcher:
            tasks = await queued(batcher, gate, [0, 1, 2])
            tasks[0].cancel()
            tasks[1].cancel()
            await asyncio.sleep(0)
            gate.open.set()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(outcomes[0], asyncio.CancelledError) and isinstance(outcomes[1], asyncio.CancelledError)
            assert outcomes[2] == 20
            assert gate.batches == [[0], [2]]

    asyncio.run(go())


def test_one_call_too_many_is_refused_at_once() -> None:
    async def go() -> None:
        gate = Gate()
        async with running(gate, max_waiting=2) as batcher:
            tasks = await queued(batcher, gate, [0, 1, 2])
            with pytest.raises(UnavailableError, match="overloaded"):
                await batcher.call(3)
            gate.open.set()
            assert await asyncio.gather(*tasks) == [0, 10, 20]

    asyncio.run(go())


def test_closing_answers_what_waits_and_refuses_what_comes() -> None:
    async def go() -> None:
        gate = Gate()
        batcher: Batcher[int, int] = Batcher("test", gate)
        batcher.start()
        tasks = await queued(batcher, gate, [0, 1, 2])
        closing = asyncio.create_task(batcher.close())
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError, match="stopping"):
            await batcher.call(3)
        gate.open.set()
        assert await asyncio.gather(*tasks) == [0, 10, 20]
        await closing
        await batcher.close()

    asyncio.run(go())


def test_batches_are_counted() -> None:
    sizes: list[int] = []

    async def go() -> None:
        async with running(lambda given: given, observe=sizes.append) as batcher:
            await asyncio.gather(*map(batcher.call, range(10)))

    asyncio.run(go())
    assert sum(sizes) == 10


def test_a_call_that_waits_too_long_is_refused_and_never_taken() -> None:
    async def go() -> None:
        gate = Gate()
        async with running(gate, max_seconds=0.1) as batcher:
            tasks = await queued(batcher, gate, [0, 1, 2])
            outcomes = await asyncio.gather(*tasks[1:], return_exceptions=True)
            assert [str(outcome) for outcome in outcomes] == [str(outcomes[0])] * 2
            assert isinstance(outcomes[0], UnavailableError)
            gate.open.set()
            assert await tasks[0] == 0, "what was taken is waited for"
            assert await batcher.call(3) == 30
            assert gate.batches == [[0], [3]]

    asyncio.run(go())


def test_callers_who_have_gone_leave_their_places_to_others() -> None:
    async def go() -> None:
        gate = Gate()
        async with running(gate, max_waiting=2) as batcher:
            tasks = await queued(batcher, gate, [0, 1, 2])
            for task in tasks[1:]:
                task.cancel()
            await asyncio.gather(*tasks[1:], return_exceptions=True)
            others = [asyncio.create_task(batcher.call(value)) for value in (3, 4)]
            await asyncio.sleep(0)
            gate.open.set()
            assert await asyncio.gather(tasks[0], *others) == [0, 30, 40]
            assert gate.batches == [[0], [3, 4]]

    asyncio.run(go())


def test_calls_that_take_long_come_alone_between_the_others() -> None:
    async def go() -> None:
        gate = Gate()
        async with running(gate, max_batch=3, is_long=lambda value: value >= 100) as batcher:
            tasks = await queued(batcher, gate, [0, 100, 101, 102, 1, 2, 3, 4])
            gate.open.set()
            await asyncio.gather(*tasks)
            assert sorted(len(batch) for batch in gate.batches) == [1, 1, 1, 1, 1, 3]
            assert gate.batches[1:] == [[100], [1, 2, 3], [101], [4], [102]]

    asyncio.run(go())

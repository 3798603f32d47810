"""Look-ups: a few at a time, a short queue, and nobody in it who has gone."""

from __future__ import annotations

import asyncio
import threading

import pytest

from shopkeeper.serving.lookups import Lookups
from shopkeeper.serving.problems import UnavailableError
from waiting import A_LONG_TIME


def test_the_result_and_the_error_of_a_call_come_back() -> None:
    def divided(number: int, by: int) -> float:
        return number / by

    async def go() -> None:
        lookups = Lookups(max_waiting=5, max_seconds=A_LONG_TIME)
        assert await lookups.run(divided, 6, by=3) == 2
        with pytest.raises(ZeroDivisionError):
            await lookups.run(divided, 1, 0)
        assert await asyncio.gather(*(lookups.run(divided, number, 1) for number in range(5))) == [0, 1, 2, 3, 4]
        lookups.close()

    asyncio.run(go())


def test_what_waits_too_long_or_is_too_much_is_refused_and_who_has_gone_leaves() -> None:
    opened, calls = threading.Event(), []

    def hang(name: str) -> None:
        calls.append(name)
        assert opened.wait(A_LONG_TIME)

    async def go() -> None:
        lookups = Lookups(max_waiting=1, max_seconds=0.1, threads=1)
        first = asyncio.create_task(lookups.run(hang, "first"))
        await asyncio.sleep(0)
        second = asyncio.create_task(lookups.run(hang, "second"))
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError, match="overloaded"):
            await lookups.run(hang, "one too many")
        with pytest.raises(UnavailableError, match="overloaded"):
            await second
        gone = asyncio.create_task(lookups.run(hang, "gone"))
        await asyncio.sleep(0)
        first.cancel()
        gone.cancel()
        await asyncio.gather(first, gone, return_exceptions=True)
        late = asyncio.create_task(lookups.run(hang, "late"))
        await asyncio.gather(late, return_exceptions=True)
        assert isinstance(late.exception(), UnavailableError), "a thread that nobody waits for is not free yet"
        opened.set()
        while calls != ["first", "last"]:
            try:
                await lookups.run(hang, "last")
            except UnavailableError:
                continue
        lookups.close()

    asyncio.run(go())

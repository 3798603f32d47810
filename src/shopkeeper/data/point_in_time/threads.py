"""Work on several parts at the same time, where there are cores for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from shopkeeper.machine import usable_cores

T = TypeVar("T")


def together(work: Callable[[Any], T], parts: Iterable[Any], many: bool) -> list[T]:
    """Does work on each part, on all cores where there is much to do: NumPy lets other threads run meanwhile.

    Args:
        work: What to do; the parts do not depend on each other.
        parts: The parts.
        many: Whether there is much to do; else one part follows the other.
    """
    if not many:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(usable_cores()) as pool:
        return list(pool.map(work, parts))

"""Batches side by side, one core each, in place of one batch that all cores share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Work = TypeVar("Work")


def side_by_side(function: Callable[[Work], None], work: Iterable[Work]) -> None:
    """Calls a function for each piece of work, as many at a time as torch has threads, each with one thread.

    The operations of small networks are too small to share: threads that wait for each other lose time, and most of
    it where another program wants the cores too.

    Args:
        function: Computes with torch; its result goes where it puts it.
        work: What to call it with.
    """
    with _one_thread_an_operation() as cores, ThreadPoolExecutor(cores) as threads:
        list(threads.map(function, work))


@contextmanager
def _one_thread_an_operation() -> Iterator[int]:
    """For a while torch computes each operation with one thread; gives the number that it had."""
    import torch

    cores = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield cores
    finally:
        torch.set_num_threads(cores)

"""Batches side by side, one core each, in place of one batch that all cores share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
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
    with _ONE_THREAD.held() as cores, ThreadPoolExecutor(cores) as threads:
        list(threads.map(function, work))


class _OneThread:
    """While anybody holds it, torch computes each operation with one thread; the last one out puts back what was."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._holders = 0
        self._cores = 1

    @contextmanager
    def held(self) -> Iterator[int]:
        """Gives the number of threads that torch had."""
        import torch

        with self._lock:
            if self._holders == 0:
                self._cores = torch.get_num_threads()
                torch.set_num_threads(1)
            self._holders += 1
        try:
            yield self._cores
        finally:
            with self._lock:
                self._holders -= 1
                if self._holders == 0:
                    torch.set_num_threads(self._cores)


_ONE_THREAD = _OneThread()

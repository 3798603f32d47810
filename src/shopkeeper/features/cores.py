"""Batches side by side, one core each, in place of one batch that all cores share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Final, Literal, TypeVar

from shopkeeper.errors import missing_dependency

Work = TypeVar("Work")
Library = Literal["torch", "blas"]


def side_by_side(function: Callable[[Work], None], work: Iterable[Work], library: Library = "torch") -> None:
    """Calls a function for each piece of work, as many at a time as a library has threads, each with one thread.

    The operations of small networks are too small to share: threads that wait for each other lose time, and most of
    it where another program wants the cores too.

    Args:
        function: Computes with the library; its result goes where it puts it.
        work: What to call it with.
        library: What computes: torch, or NumPy's BLAS.

    Raises:
        MissingDependencyError: The library, or for BLAS threadpoolctl, is not installed.
    """
    with _ONE_THREAD[library].held() as cores, ThreadPoolExecutor(cores) as threads:
        list(threads.map(function, work))


class _OneThread:
    """While anybody holds it, a library computes with one thread; the last one out puts back what was.

    Args:
        limit: Limits the library to one thread; gives the number that it had, and what puts it back.
    """

    def __init__(self, limit: Callable[[], tuple[int, Callable[[], None]]]) -> None:
        self._limit = limit
        self._lock = Lock()
        self._holders = 0
        self._cores = 1
        self._put_back: Callable[[], None] | None = None

    @contextmanager
    def held(self) -> Iterator[int]:
        """Gives the number of threads that the library had."""
        with self._lock:
            if self._holders == 0:
                self._cores, self._put_back = self._limit()
            self._holders += 1
        try:
            yield self._cores
        finally:
            with self._lock:
                self._holders -= 1
                if self._holders == 0 and self._put_back is not None:
                    self._put_back()


def _limit_torch() -> tuple[int, Callable[[], None]]:
    import torch

    cores = torch.get_num_threads()
    torch.set_num_threads(1)
    return cores, lambda: torch.set_num_threads(cores)


def _limit_blas() -> tuple[int, Callable[[], None]]:
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError as error:
        raise missing_dependency("threadpoolctl", "features", "encoding side by side") from error
    controller = ThreadpoolController()
    cores = max((library["num_threads"] for library in controller.select(user_api="blas").info()), default=1)
    limit = controller.limit(limits=1, user_api="blas")
    return cores, limit.restore_original_limits


_ONE_THREAD: Final = {"torch": _OneThread(_limit_torch), "blas": _OneThread(_limit_blas)}

"""Work on large arrays side by side: NumPy releases the interpreter's lock while it sorts, takes and compares."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")


def in_threads(work: Callable[[Task], object], tasks: Iterable[Task]) -> None:
    """Calls `work` for each task, as many at a time as there are cores, and waits for all of them.

    Raises:
        Exception: Whatever a task raised.
    """
    with ThreadPoolExecutor(max_workers=n_cores()) as threads:
        for _ in threads.map(work, tasks):
            pass


def n_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

"""Waits for what another thread or process will do: as long as a busy machine may need, and no longer than it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
A_LONG_TIME = 300.0
"""Seconds after which something hangs on any machine; a test that passes never waits so long."""


def until(condition: Callable[[], Found], seconds: float = A_LONG_TIME) -> Found:
    """Asks until the answer is true, and gives it."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found

"""What a piece of work costs: seconds on the clock and megabytes of memory at its peak."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from shopkeeper.recommenders.base import Recommender

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")
RESET_PEAK = "5"


@dataclass
class Cost:
    """Filled when the work is done.

    Attributes:
        seconds: Wall-clock time.
        peak_megabytes: Growth of the process over its size at the start, in units of 10^6 bytes; None where the
            system does not tell (it does on Linux).
    """

    seconds: float = 0.0
    peak_megabytes: float | None = None


@contextmanager
def measured() -> Iterator[Cost]:
    """Measures what the block below it costs; the cost is filled when the block ends."""
    cost = Cost()
    before = _resident_from_now()
    start = perf_counter()
    try:
        yield cost
    finally:
        cost.seconds = perf_counter() - start
        peak = _status("VmHWM")
        if before is not None and peak is not None:
            cost.peak_megabytes = max(0.0, peak - before)


def model_megabytes(recommender: Recommender) -> float:
    """Size of what a model has learned, in units of 10^6 bytes."""
    return sum(values.nbytes for values in recommender.state().values()) / 1e6


def _resident_from_now() -> float | None:
    """Forgets the peak of the process so far and gives its present size."""
    try:
        CLEAR.write_text(RESET_PEAK, encoding="ascii")
    except OSError:
        return None
    return _status("VmRSS")


def _status(field: str) -> float | None:
    """A size of this process as Linux reports it, in units of 10^6 bytes."""
    try:
        lines = STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith(f"{field}:")]
    return int(found[0]) * 1024 / 1e6 if found else None

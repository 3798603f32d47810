"""What fitting a model will take, told before it is fitted: memory by counting, time by counting and by the clock.

Good to a factor, not to a percent: memory within 1.5, time within 3. Each family of models counts its own work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from shopkeeper.data.histories import Histories

MATRIX_SIZE = 1024
ENTRIES = 400_000
ENTRIES_WIDTH = 20_000
REPETITIONS = 3

LIBRARIES = 10e6
"""Bytes that importing the numeric libraries takes."""
SET_UP = 0.25
"""Seconds until a library has its threads and buffers."""
BYTES_AN_EVENT = 40.0
"""Of the few arrays that every model makes of a log."""


@dataclass(frozen=True)
class Estimate:
    """What fitting will take.

    Attributes:
        parts: Bytes at the peak, by what takes them.
        seconds: Wall time, at most where training may stop early; None where it was not told.
        remedy: What makes it smaller.
    """

    parts: Mapping[str, float]
    seconds: float | None
    remedy: str = "leave rare items out (prepare.k_core.min_item_events)"

    @property
    def bytes(self) -> float:
        """All parts together."""
        return sum(self.parts.values())


@dataclass(frozen=True)
class Speed:
    """How fast this machine is now.

    Attributes:
        float32: Floating-point operations a second in a product of matrices, all threads.
        float64: The same in double precision.
        entry: Seconds for one entry of a sparse matrix to find its place, on one thread.
    """

    float32: float
    float64: float
    entry: float


@cache
def measured_speed() -> Speed:
    """Times a product of matrices and the making of a sparse one; a quarter of a second, once a process."""
    from scipy.sparse import csr_array

    generator = np.random.default_rng(0)
    single = generator.normal(size=(MATRIX_SIZE, MATRIX_SIZE)).astype(np.float32)
    double = single.astype(np.float64)
    rows, columns = generator.integers(0, ENTRIES_WIDTH, (2, ENTRIES)).astype(np.int32)
    values = np.ones(ENTRIES, dtype=np.float32)

    def sparse() -> None:
        csr_array((values, (rows, columns)), shape=(ENTRIES_WIDTH, ENTRIES_WIDTH)).sum_duplicates()

    operations = 2.0 * MATRIX_SIZE**3
    return Speed(
        operations / _median(lambda: single @ single),
        operations / _median(lambda: double @ double),
        _median(sparse) / ENTRIES,
    )


def _median(work: Callable[[], object]) -> float:
    """Seconds of a run, the median of a few."""
    seconds = []
    for _ in range(REPETITIONS):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return sorted(seconds)[REPETITIONS // 2]


def estimate_by_events(n_events: int) -> Estimate:
    """For a model that looks at each event a few times."""
    return Estimate({"data": LIBRARIES + BYTES_AN_EVENT * n_events}, 5 * n_events * measured_speed().entry)


def n_pairs_within(histories: Histories, distance: int) -> float:
    """Pairs of events of one shopper that are at most so many places apart."""
    lengths = histories.lengths.astype(np.float64)
    reach = np.minimum(distance, np.maximum(lengths - 1, 0))
    return float((reach * lengths - reach * (reach + 1) / 2).sum())


def n_products(histories: Histories, longest: int | None) -> float:
    """Multiplications in the product of the shopper-item matrix with itself, at most: squares of lengths."""
    lengths = histories.lengths.astype(np.float64)
    return float((np.minimum(lengths, longest or np.inf) ** 2).sum())

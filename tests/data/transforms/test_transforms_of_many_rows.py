"""No step loops over rows in Python: many rows are transformed with far fewer calls than there are rows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import numpy as np
import pyarrow as pa

from shopkeeper.config import build
from shopkeeper.data.transforms import FeatureSettings, FeatureTransformer, Outcome

N = 50_000
STEPS = [
    {"kind": "log", "column": "price"},
    {"kind": "standard", "column": "stock"},
    {"kind": "quantile", "column": "price"},
    {"kind": "bucket", "column": "price"},
    {"kind": "threshold", "column": "new"},
    {"kind": "one_hot", "column": "color"},
    {"kind": "index", "column": "brand", "normalize": True},
    {"kind": "multi_hot", "column": "category", "paths": True, "max_categories": 50},
    {"kind": "target", "column": "brand"},
    {"kind": "hash", "column": "user", "n_hashes": 2},
    {"kind": "cyclic", "column": "created_at", "timezone": "Asia/Shanghai"},
]


def words(generator: np.random.Generator, names: list[str]) -> pa.Array:
    return pa.array(names).take(pa.array(generator.integers(0, len(names), N)))


@contextmanager
def counted_calls() -> Iterator[list[int]]:
    """Counts the calls of functions, those of C too; the same on any machine."""
    calls = [0]

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        calls[0] += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(before)


def test_the_count_sees_a_loop_over_rows():
    with counted_calls() as calls:
        for row in range(N):
            abs(row)
    assert calls[0] >= N


def test_no_step_loops_over_rows():
    generator = np.random.default_rng(0)
    moments = generator.integers(1_600_000_000_000_000, 1_700_000_000_000_000, N)
    table = pa.table(
        {
            "price": generator.lognormal(3, 1, N),
            "stock": np.where(generator.random(N) < 0.1, np.nan, generator.normal(size=N)),
            "new": pa.array(generator.random(N) < 0.3),
            "color": words(generator, ["red", "green", "blue"]),
            "brand": words(generator, [f"Brand {place}" for place in range(500)]),
            "category": words(generator, [f"A{p % 7} > B{p % 40} > C{p}" for p in range(300)]),
            "user": words(generator, [f"user-{place:08d}" for place in range(300_000)]),
            "created_at": pa.array(moments).cast(pa.timestamp("us")),
        }
    )
    outcome = Outcome((generator.random(N) < 0.1).astype(float), moments)
    with counted_calls() as calls:
        fitted, features = FeatureTransformer.fit_apply(table, build(FeatureSettings, {"steps": STEPS}), outcome)
        fitted.apply(table)
    assert features.values.shape == (N, 67)
    assert features.indices.shape == (N, 4)
    assert calls[0] < N / 2

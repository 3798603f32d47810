"""Both sides of the benchmark of point-in-time features give the same columns."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.point_in_time import compare, difference, row_of


def test_both_sides_give_the_same_columns(tmp_path: Path) -> None:
    result = compare(0.004, 1, ["shopkeeper", "pandas"], tmp_path)
    assert result["columns"] == 44
    assert result["equal"], result["largest_difference"]
    assert "44 columns equal" in row_of(result)


def test_a_difference_is_seen(tmp_path: Path) -> None:
    for name, last in (("one", 1.0), ("other", 1.5)):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "a.npy", np.array([0.0, np.nan, last], dtype=np.float32))
    assert difference(tmp_path / "one", tmp_path / "other") == (1, 1 / 3)
    np.save(tmp_path / "one" / "b.npy", np.zeros(1, dtype=np.float32))
    assert difference(tmp_path / "one", tmp_path / "other") == (2, float("inf"))

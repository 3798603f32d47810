"""Histories of a bundle written back as rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.log_rows import write_rows
from shopkeeper.data.vocabulary import Vocabulary


def test_placements_are_written_by_name(cycle: Dataset, tmp_path: Path) -> None:
    codes = (np.arange(cycle.n_events) % 3).astype(np.uint8)
    names = Vocabulary(["cart", "home"])
    write_rows(replace(cycle, placements=names, histories=replace(cycle.histories, placement=codes)), tmp_path / "log")
    table = pq.read_table(tmp_path / "log")
    assert table.column("placement").to_pylist()[:4] == [None, "cart", "home", None]
    write_rows(cycle, tmp_path / "plain")
    assert pq.read_table(tmp_path / "plain").column_names == ["user_id", "item_id", "event_type", "timestamp"]

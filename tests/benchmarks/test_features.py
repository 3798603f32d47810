"""The benchmark of text features on a small catalog, with the fastest encoder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.features import main

KINDS = {
    "Hair > Shampoo": "shampoo for dry hair",
    "Nails > Polish": "nail polish red",
    "Bath > Soap": "olive oil soap bar",
}


def test_speed_second_run_and_purity_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(f"{title} {number}", f"Beauty > {path}") for path, title in KINDS.items() for number in range(15)]
    titles, categories = zip(*rows, strict=True)
    table = pa.table({"item_id": list(range(len(rows))), "title": titles, "category": categories})
    pq.write_table(table, tmp_path / "catalog.parquet")
    main(["--data", str(tmp_path), "--encoders", "static", "--threads", "1", "--json", str(tmp_path / "out.json")])
    content = json.loads((tmp_path / "out.json").read_text())
    static, words = content["results"]["static"], content["results"]["words"]
    assert static["titles"] == 45
    assert static["purity"]["whole path"] == 1.0
    assert static["changed_title"]["made"] == 1
    assert static["second_seconds"] < static["first_seconds"]
    assert words["chance"]["whole path"] == pytest.approx(14 / 44, abs=1e-4)
    assert content["sentence_transformers"] is None
    assert str(tmp_path.parent) not in json.dumps(content)
    assert "titles/s" in capsys.readouterr().out

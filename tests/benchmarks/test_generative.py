"""The benchmark of generative models on a small log, with the fastest encoder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.generative import main

KINDS = ("shampoo for dry hair", "nail polish red", "olive oil soap bar")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three kinds of fifteen products; each shopper walks through one kind in order."""
    titles = [f"{kind} {number}" for kind in KINDS for number in range(15)]
    pq.write_table(pa.table({"item_id": list(range(45)), "title": titles}), tmp_path / "catalog.parquet")
    walks = [[15 * (user % 3) + (user + step) % 15 for step in range(8)] for user in range(60)]
    (tmp_path / "sequences.txt").write_text("\n".join(" ".join(map(str, [u, *walk])) for u, walk in enumerate(walks)))
    return tmp_path


def test_rows_are_compared_and_nothing_comes_out_that_is_not_on_sale(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data", str(folder), "--models", "tiger_dense,sasrec_ids,sasrec_text,blend", "--encoder", "static"]
    main([*words, "--minutes", "0", "--set", "epochs=2", "--json", str(folder / "out.json")])
    content = json.loads((folder / "out.json").read_text())
    rows = {row["model"]: row for row in content["results"]}
    assert list(rows) == ["tiger_dense", "sasrec_ids", "sasrec_text", "blend"]
    assert rows["sasrec_ids"]["config"]["item_features"] == []
    assert rows["sasrec_text"]["config"]["item_features"] == ["text-static"]
    assert rows["tiger_dense"]["config"]["dense"] == 1.0
    counted = content["illegal_ids"]["tiger_dense"]
    assert counted["shoppers"] == 60 and counted["answers"] > 500 and counted["illegal"] == 0
    assert {("sasrec_text", "sasrec_ids")} <= {(one["a"], one["b"]) for one in content["paired_differences"]}
    assert str(folder.parent) not in content["command"]
    assert "sasrec_text - sasrec_ids" in capsys.readouterr().out

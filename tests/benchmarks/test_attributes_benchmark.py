"""The benchmark of attributes runs on a few titles, and its verdicts add up."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from benchmarks.attributes import main, places, verdicts
from pyarrow import csv, parquet


def test_rules_are_measured_on_both_kinds_of_titles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    beauty = [f"Lotion {place}, {place + 1} oz, red" for place in range(8)]
    parquet.write_table(pa.table({"item_id": range(8), "title": beauty}), tmp_path / "catalog.parquet")
    titles = [f"Men Blue Shoe {place}" for place in range(7)] + ["Women Green Valley Shoe"]
    fashion = {"ProductTitle": titles, "Colour": ["Navy Blue"] * 7 + ["White"], "Gender": ["Men"] * 7 + ["Women"]}
    csv.write_csv(pa.table(fashion), tmp_path / "fashion.csv")
    out = tmp_path / "out.json"
    main(["--data", str(tmp_path), "--titles", "8", "--extractors", "words", "--json", str(out)])
    found = json.loads(out.read_text())["results"]
    assert found["beauty"]["words"]["have"]["size"] == 1
    assert found["fashion"]["words"]["quality"]["color"] == {"right": 0.875, "wrong": 0.125, "open": 0}
    assert found["fashion"]["words"]["quality"]["gender"]["right"] == 1
    assert "Lotion" in capsys.readouterr().out


def test_the_parts_have_no_title_in_common() -> None:
    assert not set(places(500, 200, "test")) & set(places(500, 200, "validation"))


def test_verdicts_add_up() -> None:
    assert verdicts(["a", "b", None, "c"], ["a", "a", "a", "c"]) == {"right": 0.5, "wrong": 0.25, "open": 0.25}

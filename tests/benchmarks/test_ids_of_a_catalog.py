"""The benchmark of semantic ids on a small catalog, with the fastest encoder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.semantic_ids import main

from shopkeeper.artifacts import file_hash

KINDS = {
    "Hair > Shampoo": "shampoo for dry hair",
    "Nails > Polish": "nail polish red",
    "Bath > Soap": "olive oil soap bar",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three kinds of fifteen products each; shoppers stay within one kind."""
    rows = [(f"{title} {number}", f"Beauty > {path}") for path, title in KINDS.items() for number in range(15)]
    titles, categories = zip(*rows, strict=True)
    table = pa.table({"item_id": list(range(len(rows))), "title": titles, "category": categories})
    pq.write_table(table, tmp_path / "catalog.parquet")
    walks = [[15 * (user % 3) + (user + step) % 15 for step in range(8)] for user in range(60)]
    lines = [" ".join(map(str, [user, *walk])) for user, walk in enumerate(walks)]
    (tmp_path / "sequences.txt").write_text("\n".join(lines))
    return tmp_path


def test_ids_of_titles_and_of_the_log_are_measured(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--data", str(folder), "--kinds", "static,log", "--shapes", "2x4,1x8", "--json", str(folder / "out.json")])
    content = json.loads((folder / "out.json").read_text())
    for kind in ("static", "log"):
        found = content["results"][kind]
        assert found["items"] == 45
        assert found["neighbors"]["whole path"] == pytest.approx(1.0, abs=0.05)
        names = [(one["quantizer"], one["shape"]) for one in found["ids"]]
        assert names == [(q, shape) for q in ("kmeans", "rqvae") for shape in ("2x4", "1x8")]
        by_means = found["ids"][0]
        assert by_means["purity"]["whole path"][0] > by_means["purity_dealt_anew"]["whole path"][0] + 0.3
        assert len(by_means["used"]) == len(by_means["perplexity"]) == 2
        assert by_means["largest_group"] >= 45 / 16
    assert content["data"]["sha256"]["catalog.parquet"] == file_hash(folder / "catalog.parquet")
    assert str(folder.parent) not in json.dumps(content)
    assert "kmeans 2x4" in capsys.readouterr().out


def test_without_a_log_titles_alone_are_measured(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "sequences.txt").unlink()
    main(["--data", str(folder), "--kinds", "static,log", "--quantizers", "kmeans", "--shapes", "1x3"])
    said = capsys.readouterr()
    assert "log: there is no sequences.txt" in said.err
    assert "rqvae" not in said.out

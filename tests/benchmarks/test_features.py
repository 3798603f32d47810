"""The benchmark of text features on a small catalog, with the fastest encoder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.features import main
from benchmarks.image_features import image_lines, measured_images

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


def test_pictures_are_measured_by_themselves_and_beside_the_titles(tmp_path: Path) -> None:
    (tmp_path / "images/below").mkdir(parents=True)
    rows = ["ProductId,ProductTitle,ProductType,Gender,Colour,Image"]
    for place in range(12):
        kind, color = ("Tile", "Red") if place % 2 else ("Screen", "Blue")
        Image.new("RGB", (64, 32 if place % 2 else 64), (place, 0, 250 * (place + 1) % 2)).save(
            tmp_path / f"images/below/{place}.png"
        )
        rows.append(f"{place},{color} {kind},{kind},Men,{color},{place}.png")
    rows.append("99,Nothing,Tile,Men,Red,none.png")
    (tmp_path / "fashion.csv").write_text("\n".join(rows))
    found = measured_images(tmp_path, k=3)
    assert found["pictures"] == 12
    assert found["faults"] == {"missing": 1}
    assert found["purity"]["both"]["product type"] == 1.0
    assert "12 pictures" in image_lines(found)[0]

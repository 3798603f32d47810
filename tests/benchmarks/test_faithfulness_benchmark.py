"""The benchmark of reasons on a small log in which what lies in the cart is bought."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.faithfulness import main

pytest.importorskip("sklearn")
DAY = 86_400


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    lines = ["user,item,behaviour,timestamp"]
    for _ in range(900):
        user, item, time = rng.integers(60), rng.integers(25), int(rng.integers(60 * DAY))
        lines.append(f"{user},{item},view,{time}")
        if rng.random() < 0.4:
            lines.append(f"{user},{item},cart,{time + 60}")
            lines.append(f"{user},{item},purchase,{time + 2 * DAY}")
    (tmp_path / "events.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "test_purchase.csv").write_text("user,item\n0,0\n")
    return tmp_path


def test_true_reasons_are_found_true(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", str(folder), "--models", "LogisticRegression", "--most", "100"]
    main([*words, "--json", str(folder / "out.json")])
    content = json.loads((folder / "out.json").read_text())
    assert content["pairs"]["bought"] == content["pairs"]["not bought"] > 20
    checks = content["results"][0]["checks"]
    assert [one["k"] for one in checks] == [1, 3, 5]
    assert all(one["top"] > one["random"] for one in checks)
    assert "strongest" in capsys.readouterr().out
    assert str(folder.parent) not in json.dumps(content)

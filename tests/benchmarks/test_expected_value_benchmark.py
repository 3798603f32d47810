"""The benchmark of what an order is worth, on a small shop in which each shopper buys his own things again."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.expected_value import main

pytest.importorskip("sklearn")
HOUR = 3_600_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(80), 24)
    item = (users * 3 + rng.integers(0, 4, len(users))) % 40
    when = np.sort(rng.integers(0, 90 * 24, (80, 24)), axis=1).ravel() * HOUR + np.arange(len(users))
    pq.write_table(pa.table({
        "InvoiceNo": [str(place) for place in range(len(users))], "StockCode": [f"S{one:02d}" for one in item],
        "Description": [f"Thing {one}" for one in item], "Quantity": rng.integers(1, 4, len(users)),
        "InvoiceDate": pa.array(np.datetime64("2011-01-01T00:00:00") + when.astype("timedelta64[us]")),
        "UnitPrice": 1.0 + item, "CustomerID": users.astype(float), "Country": ["France"] * len(users),
    }), tmp_path / "online_retail.parquet")  # fmt: skip
    return tmp_path


def test_orders_stand_beside_the_model_with_paired_differences(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data", str(folder), "--model", "MostPopular", "--predictor", "LogisticRegression", "--days", "7"]
    main([*words, "--json", str(folder / "out.json")])
    content = json.loads((folder / "out.json").read_text())
    figures = {(row["model"], row["metric"]): row["value"] for row in content["test"]}
    assert figures["p", "ndcg"] > 1.5 * figures["MostPopular alone", "ndcg"]
    assert {one["order"] for one in content["validation"]} == {"p", "p x price", "p x amount"}
    difference = next(one for one in content["paired_differences"] if (one["a"], one["metric"]) == ("p", "ndcg"))
    assert difference["low"] > 0
    assert "revenue@10" in capsys.readouterr().out
    assert str(folder.parent) not in json.dumps(content)

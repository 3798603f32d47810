"""The benchmark of predictors on a small folder of the form of the real ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.behavior_data import load

from shopkeeper.config import build
from shopkeeper.errors import DataError
from shopkeeper.jobs.select_settings import BehaviorSettings

pytest.importorskip("lightgbm")
pytest.importorskip("optuna")
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "behavior.py"
DAY = 86_400


def write_views(folder: Path) -> Path:
    """Shoppers view and put in the cart; of a cart half are bought an hour later."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    events = []
    for _ in range(900):
        user, item = generator.integers(60), generator.integers(25)
        time = 1_700_000_000 + int(generator.integers(60 * DAY))
        events.append((user, item, "view", time))
        if generator.random() < 0.5:
            events.append((user, item, "cart", time + 60))
            if generator.random() < 0.5:
                events.append((user, item, "buy", time + 3600))
    pd.DataFrame(events, columns=["user", "item", "behaviour", "timestamp"]).to_csv(folder / "events.csv", index=False)
    return folder


def write_sales(folder: Path) -> Path:
    """Sales with titles and prices, each shopper of one kind of goods."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    n = 3000
    user = (80 * generator.random(n) ** 2).astype(int)
    item = (user % 5) * 6 + generator.integers(0, 6, n)
    pd.DataFrame(
        {
            "InvoiceNo": np.arange(n).astype(str), "StockCode": np.char.add("2", np.char.zfill(item.astype(str), 4)),
            "Description": [f"THING {one}" for one in item], "Quantity": 1 + item % 3,
            "InvoiceDate": pd.Timestamp("2011-01-01") + pd.to_timedelta(generator.integers(0, 200 * 24, n), unit="h"),
            "UnitPrice": 1.0 + item, "CustomerID": (10_000 + user).astype(float), "Country": "Here",
        }
    ).to_parquet(folder / "online_retail.parquet")  # fmt: skip
    return folder


def run(folder: Path, out: Path, *words: str) -> tuple[str, dict]:
    quick = ("--models", "NaiveBayes,LogisticRegression", "--trials", "1", "--minutes", "2")
    answer = subprocess.run(
        [sys.executable, SCRIPT, "--data", folder, "--json", out, *quick, "--set", "evaluation.n_bootstrap=20", *words],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return answer.stdout, json.loads(out.read_text())


def test_targets_side_by_side_with_what_is_needed_to_run_it_again(tmp_path):
    folder = write_views(tmp_path / "shop")
    out, record = run(folder, tmp_path / "out.json", "--target", "purchase,view", "--days", "3")
    assert "LogisticRegression" in out
    assert set(record["targets"]) == {"purchase within 3 days", "view within 3 days"}
    assert str(tmp_path) not in json.dumps(record)
    assert record["command"].startswith("python benchmarks/behavior.py --data shop --target purchase,view --days 3")
    assert len(record["data"]["sha256"]["events.csv"]) == 64
    purchase = record["targets"]["purchase within 3 days"]
    assert [one["a"] for one in purchase["beside_logistic_regression"]] == ["NaiveBayes"] * 3
    assert purchase["protocol"]["notes"] == []
    assert set(purchase["figures"]) == {"NaiveBayes", "LogisticRegression"}
    for figures in purchase["figures"].values():
        value, low, high = figures["auc"]
        assert low <= value <= high
    assert purchase["segments"]["before"]["in the cart"]["positives"] > 0


def test_reasons_of_real_customers_in_words(tmp_path):
    folder = write_sales(tmp_path / "sales")
    words = ("--target", "purchase", "--given", "purchase", "--days", "15", "--customers", "3")
    out, record = run(folder, tmp_path / "out.json", *words)
    (found,) = record["targets"].values()
    people = found["customers"]
    assert len(people) == 3
    assert people[0]["predicted"] > people[1]["predicted"] > people[2]["predicted"]
    assert people[0]["item"].startswith("THING")
    assert all(len(one["reasons"]) == 5 and all(" speaks " in words for words in one["reasons"]) for one in people)
    assert people[0]["reasons"][0] in out


def test_a_folder_without_a_log_is_refused(tmp_path):
    with pytest.raises(DataError, match="nothing to read"):
        load(tmp_path, tmp_path / "work", build(BehaviorSettings, {}))

"""The multi-behavior benchmark on a shop whose answer is known: what is bought follows from what was viewed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.held_out_purchases import load, validation_part

from shopkeeper.errors import DataError

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "multibehavior.py"
N_ITEMS = 60
"""The first half is viewed; whoever viewed item i buys item i + 30, and later another pair."""


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    generator = np.random.default_rng(0)
    events, test = [], []
    for user in range(150):
        for step, item in enumerate(generator.choice(N_ITEMS // 2, 3, replace=False)):
            bought, second = item + N_ITEMS // 2, 1000 * step + user
            events.append((user, item, "view", second))
            if step == 2:
                test.append((user, bought))
            else:
                events += [(user, bought, "view", second + 1), (user, bought, "cart", second + 2)]
                events.append((user, bought, "buy", second + 3))
    columns = ["user", "item", "behaviour", "timestamp"]
    pd.DataFrame(events, columns=columns).sample(frac=1, random_state=0).to_csv(folder / "events.csv", index=False)
    pd.DataFrame(test, columns=["user", "item"]).to_csv(folder / "test_purchase.csv", index=False)
    return folder


def test_validation_is_made_like_the_test(folder):
    whole, n_items = load(folder)
    part = validation_part(whole.train)
    assert n_items == N_ITEMS
    assert len(part.questions) == 150
    assert part.facts()["targets_in_history"] == 0
    assert part.facts()["train_purchases"] == 150
    assert part.facts()["train_events"] == 150 * 5  # two views, then the first pair's view, cart and purchase
    items = part.train.items
    viewed = items.ids(part.questions.histories.items_of(0))[-1]
    assert items.ids(part.questions.targets.items_of(0)) == [viewed + N_ITEMS // 2]


def test_of_purchases_at_the_same_second_one_is_held_out(tmp_path):
    rows = [(1, 10, "view", 5), (1, 11, "buy", 9), (1, 12, "buy", 9), (1, 13, "view", 12), (2, 10, "buy", 3)]
    pd.DataFrame(rows, columns=["user", "item", "behaviour", "timestamp"]).to_csv(tmp_path / "events.csv", index=False)
    pd.DataFrame([(1, 14)], columns=["user", "item"]).to_csv(tmp_path / "test_purchase.csv", index=False)
    whole, _ = load(tmp_path)
    assert whole.facts()["targets_unseen_by_training"] == 1
    part = validation_part(whole.train)
    assert part.questions.user_ids.to_pylist() == [1]
    assert part.questions.histories.lengths.tolist() == [2]  # neither the target nor the later view
    with pytest.raises(DataError, match="two purchases"):
        validation_part(part.train)


def test_views_tell_what_will_be_bought(folder):
    out = folder.parent / "out.json"
    models = "popular,last_carted,transitions_purchases,item_knn,transitions,blend"
    command = [sys.executable, str(SCRIPT), "--data", str(folder), "--models", models, "--minutes", "0"]
    done = subprocess.run([*command, "--json", str(out)], capture_output=True, text=True, check=True)
    assert "full ranking of 60 items" in done.stdout
    content = json.loads(out.read_text())
    assert content["command"].startswith("python benchmarks/multibehavior.py --data shop --models popular")
    assert str(folder.parent) not in json.dumps(content)
    results = {result["name"]: result for result in content["results"]}
    assert list(results) == models.split(",")
    recall = {name: result["figures"]["recall@5"]["value"] for name, result in results.items()}
    assert recall["transitions"] > 0.8
    assert recall["transitions_purchases"] < 0.4
    assert sum(results["blend"]["facts"]["weights"]) == pytest.approx(1)
    best = {one["a"] for one in content["comparisons"]}
    assert best <= {"transitions", "item_knn", "blend"}
    beside = {one["b"]: one for one in content["comparisons"] if one["metric"] == "recall" and one["k"] == 10}
    assert beside["popular"]["low"] > 0


def test_an_unknown_row_is_refused_before_anything_runs(folder):
    command = [sys.executable, str(SCRIPT), "--data", str(folder), "--models", "transition"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "there is no row 'transition'" in done.stderr

"""The sequential benchmark on a folder whose answer is known: everybody walks the same circle of items."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "sequential.py"
N_USERS, N_ITEMS, LENGTH, DAY = 80, 15, 6, 86_400


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "circle"
    folder.mkdir()
    starts = np.random.default_rng(0).integers(0, N_ITEMS, N_USERS)
    walks = [(start + np.arange(LENGTH)) % N_ITEMS + 1 for start in starts]
    lines = [" ".join(map(str, [user + 1, *walk])) for user, walk in enumerate(walks)]
    (folder / "sequences.txt").write_text("\n".join(reversed(lines)) + "\n")
    rows = [
        (user + 1, item, (user + position) * DAY if position != 2 else None, position)
        for user, walk in enumerate(walks)
        for position, item in enumerate(walk)
    ]
    events = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp", "position"])
    events["timestamp"] = events["timestamp"].astype("Int64")
    events.to_parquet(folder / "events.parquet")
    return folder


def run(folder: Path, *flags: str) -> tuple[str, str, dict]:
    out = folder.parent / "out.json"
    command = [sys.executable, str(SCRIPT), "--data", str(folder), "--json", str(out), *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout, done.stderr, json.loads(out.read_text())


def test_transitions_know_the_circle_under_every_protocol(folder):
    text, _, content = run(folder, "--models", "popular,transitions", "--minutes", "0")
    assert [line.split(":")[0] for line in text.splitlines() if "full ranking" in line] == [
        "leave_one_out (LEAKS THE FUTURE)", "same_day_shuffled (LEAKS THE FUTURE)", "global_time",
    ]  # fmt: skip
    results = {(result["protocol"], result["model"]): result for result in content["results"]}
    assert len(results) == 6
    found = results["leave_one_out", "transitions"]
    assert found["figures"]["recall@5"]["value"] == 1.0
    assert results["same_day_shuffled", "transitions"]["figures"]["recall@5"]["value"] > 0.8
    assert results["leave_one_out", "popular"]["figures"]["recall@5"]["value"] < 0.9
    assert len(found["trials"]) == 1


def test_the_record_says_how_to_run_it_again_and_names_no_folder_of_the_machine(folder):
    _, _, content = run(folder, "--models", "popular", "--protocols", "leave_one_out")
    assert content["command"].startswith("python benchmarks/sequential.py --data circle --models popular")
    assert set(content["data"]["sha256"]) == {"sequences.txt", "events.parquet"}
    assert content["protocols"]["leave_one_out"]["leaks_future"] is True
    assert str(folder.parent) not in json.dumps(content)


def test_without_times_only_leave_one_out_runs_and_says_so(folder):
    (folder / "events.parquet").unlink()
    text, notes, content = run(folder, "--models", "popular")
    assert list(content["protocols"]) == ["leave_one_out"]
    assert "there is no events.parquet" in notes
    assert "same_day" not in text


def test_a_blend_of_the_rows_above_it_is_as_good_as_who_knows_the_circle(folder):
    flags = ["--models", "popular,transitions,blend", "--protocols", "leave_one_out", "--minutes", "0"]
    text, _, content = run(folder, *flags)
    results = {result["model"]: result for result in content["results"]}
    assert results["blend"]["figures"]["recall@5"]["value"] == 1.0
    assert results["blend"]["trials"][0]["weights"]["transitions"] > 0.9
    assert results["blend"]["fitting"]["seconds"] >= results["transitions"]["fitting"]["seconds"]
    differences = {(one["a"], one["b"], one["metric"]): one for one in content["paired_differences"]}
    best = results["blend"]["figures"]["ndcg@10"]["value"] > results["transitions"]["figures"]["ndcg@10"]["value"]
    one = differences["blend" if best else "transitions", "popular", "ndcg"]
    assert one["low"] > 0
    assert "- popular: ndcg@10 +" in text

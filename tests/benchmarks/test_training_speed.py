"""The training benchmark without its peers, on a log that everybody walks in a circle, and its arithmetic."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.epoch_bound import operations
from benchmarks.peers.reporting import measured
from benchmarks.training_speed_table import epoch_lines, quality_lines, to_goal

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "training_speed.py"


def run(folder: Path, *flags: str) -> tuple[str, dict]:
    out = folder / "out.json"
    command = [sys.executable, str(SCRIPT), "--quick", "--threads", "1", "--json", str(out), *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout, json.loads(out.read_text())


def test_an_epoch_is_measured_beside_its_bound_and_timed_to_a_goal(tmp_path):
    text, content = run(tmp_path, "--parts", "epoch,quality", "--target", "0.2", "--set", "batch_targets=100")
    assert content["command"].startswith("python benchmarks/training_speed.py --quick --parts epoch,quality")
    assert "--set batch_targets=100" in content["command"]
    [measurement] = content["epoch"]["shopkeeper"]
    [epoch] = measurement["epochs"]
    assert measurement["ready"]["targets"] == content["data"]["targets"] == 200 * 7
    assert content["bound"]["seconds"] < epoch["seconds"]
    assert epoch["peak_megabytes"] > 100
    quality = content["quality"]["runs"]["shopkeeper"]["epochs"]
    assert quality[-1]["ndcg"] >= 0.2 > max((before["ndcg"] for before in quality[:-1]), default=0.0)
    assert "seconds to NDCG@10 0.2000" in text
    assert str(tmp_path) not in json.dumps(content)


@pytest.mark.slow
def test_the_bound_of_memory_is_said_before_the_peak_and_kept(tmp_path):
    text, content = run(tmp_path, "--memory")
    lines = text.splitlines()
    assert ["bound" in line for line in lines[::2]] == [True, True]
    assert ["peak" in line for line in lines[1::2]] == [True, True]
    assert [(case["loss"], case["kept"]) for case in content["memory"]] == [("sampled", True), ("full", True)]


def test_operations_are_those_that_pytorch_counts():
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    n, n_items = 40, 30
    hidden = torch.randn(n, 64, requires_grad=True)
    layers = [torch.nn.Linear(*shape) for shape in ((64, 192), (64, 64), (64, 256), (256, 64))] * 2
    with FlopCounterMode(display=False) as counter:
        sum(layer(torch.randn(n, layer.in_features, requires_grad=True)).sum() for layer in layers).backward()
    found = operations(np.array([n]), n_items)
    assert found["layers"] == counter.get_total_flops()
    with FlopCounterMode(display=False) as counter:
        (hidden @ torch.randn(n_items, 64, requires_grad=True).T).sum().backward()
    assert found["logits"] == counter.get_total_flops()


def test_attention_counts_pairs_within_windows_only():
    one = operations(np.array([1]), 10)["attention"]
    assert operations(np.array([3]), 10)["attention"] == 6 * one
    assert operations(np.array([53]), 10)["attention"] == (50 * 51 // 2 + 6) * one


def test_a_peak_before_does_not_count():
    before = np.ones(40_000_000)
    assert before.nbytes > 300e6
    del before
    with measured() as cost:
        pass
    with measured() as more:
        np.ones(40_000_000).sum()
    if cost.peak_megabytes is None or more.peak_megabytes is None:
        pytest.skip("the system does not tell")
    assert more.peak_megabytes - cost.peak_megabytes > 200


def epoch(number: int, seconds: float, ndcg: float, megabytes: float) -> dict:
    peaks = {"peak_megabytes": megabytes, "evaluation_peak_megabytes": megabytes / 2}
    return {"epoch": number, "seconds": seconds, "evaluation_seconds": 2.0, "ndcg": ndcg, **peaks}


def test_ratios_and_goals_are_those_of_medians():
    ready = {"targets": 100}
    ours = [{"ready": ready, "epochs": [epoch(1, seconds, 0.1, 500)]} for seconds in (9.0, 10.0, 60.0)]
    theirs = [{"ready": ready, "epochs": [epoch(1, 400.0, 0.1, 800)]}]
    text = "\n".join(epoch_lines({"shopkeeper": ours, "recbole": theirs}, 5.0))
    assert "epoch 40.0 (goal 30: yes)" in text
    assert "evaluation 1.0 (goal 5: NO)" in text
    assert "peak of training 1.6 (goal 2: NO)" in text
    assert "ours / bound: 2.00, goal at most 2.5: yes" in text


def test_time_to_a_goal_ends_with_the_first_epoch_that_has_it():
    slow = {"epochs": [epoch(1, 100.0, 0.1, 1), epoch(2, 100.0, 0.3, 1), epoch(3, 100.0, 0.2, 1)]}
    assert to_goal(slow, 0.2) == (2, 200.0, 204.0)
    assert to_goal(slow, 0.4) is None
    fast = {"epochs": [epoch(1, 8.0, 0.3, 1)]}
    text = "\n".join(quality_lines(0.3, {"recbole": slow, "shopkeeper": fast}))
    assert "recbole / ours: 25.0, goal 20: yes" in text
    assert "not reached" in "\n".join(quality_lines(0.9, {"recbole": slow}))

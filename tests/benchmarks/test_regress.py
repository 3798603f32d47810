"""The guard of headline figures: it holds where nothing changed, and a setting that is worse makes it fail."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.jobs.settings import ShopSettings

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.regress import FIGURES, ON_FILE, PUBLIC, SHIPPED, Figure, Log, Measured, beside, on_file

from benchmarks import regress


def circle(folder: Path, data: Path) -> Log:
    """200 shoppers walk a circle of 40 items, a step a day."""
    from shopkeeper.data.histories import Histories
    from shopkeeper.data.schema import EventType

    start = np.random.default_rng(0).integers(0, 40, 200)
    histories = Histories.of_items([(first + np.arange(12)) % 40 + 1 for first in start], EventType.PURCHASE)
    log = Dataset(Vocabulary(range(200)), Vocabulary(range(1, 41)), histories)
    return Log(split(log, SplitSettings(kind="leave_one_out")), ShopSettings())


WALK = Figure("circle", "Transitions")
LOGS = {"circle": circle}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The figure of the circle on file, and nothing else to make."""
    monkeypatch.setattr(regress, "FIGURES", (WALK,))
    monkeypatch.setattr(regress, "SHIPPED", LOGS)
    regress.main(["--file", str(tmp_path / "figures.json"), "--write"])
    return tmp_path / "figures.json"


def test_what_did_not_change_holds(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert on_file(file)["circle/Transitions"].value == 1  # the next step of a circle is known
    regress.main(["--file", str(file)])
    assert capsys.readouterr().out.strip().endswith(": holds")


def test_a_worse_default_is_seen(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mutant = ["--set", "Transitions.hide_seen=false", "--set", "Transitions.backward=1.0"]  # back counts as ahead
    with pytest.raises(SystemExit, match="fallen: circle/Transitions"):
        regress.main(["--file", str(file), *mutant])
    assert "FELL" in capsys.readouterr().out


def test_a_loss_that_the_interval_on_file_would_hide_is_seen_shopper_by_shopper() -> None:
    rng = np.random.default_rng(0)
    old = rng.random(400).astype(np.float32)
    new = old - np.float32(0.025)  # within +-.028 of the mean, and every shopper has lost
    filed, made = Measured(old, "hash", 1.0), Measured(new, "hash", 1.0)
    assert made.value > filed.interval[0]
    assert beside("a", filed, made).fell
    assert not beside("a", filed, Measured(new[:399], "other", 1.0)).fell, "other shoppers: the intervals alone tell"
    assert beside("a", filed, Measured(old[:399] - np.float32(0.1), "other", 1.0)).fell


def test_noise_is_no_fall() -> None:
    rng = np.random.default_rng(1)
    old = rng.random(400).astype(np.float32)
    made = Measured(old + rng.normal(0, 0.1, 400).astype(np.float32), "hash", 1.0)
    found = beside("a", Measured(old, "hash", 1.0), made)
    assert not found.fell
    assert found.words == "holds"
    assert beside("b", None, made).words == "not on file"


def test_without_a_figure_on_file_nothing_is_said_to_hold(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="put them there with --write"):
        regress.main(["--file", str(tmp_path / "none.json")])


def test_every_figure_of_shipped_data_is_on_file() -> None:
    filed = json.loads(ON_FILE.read_text(encoding="utf-8"))["figures"]
    assert {figure.name for figure in FIGURES if figure.log in SHIPPED} <= set(filed) <= {one.name for one in FIGURES}
    assert {figure.log for figure in FIGURES} == {*SHIPPED, *PUBLIC}
    for one in filed.values():
        assert one["value"] == pytest.approx(np.mean(one["values"]), abs=1e-3)
        assert one["low"] < one["value"] < one["high"]

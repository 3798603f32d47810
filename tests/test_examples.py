"""The examples are run, so that they do not rot."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary

EXAMPLES = Path(__file__).parent.parent / "examples"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def trending() -> ModuleType:
    return load("trending")


def test_what_is_new_is_trending(trending: ModuleType) -> None:
    old_and_new = Histories.of_items([[1] * 50 + [2]])
    shop = Dataset(Vocabulary(["ann"]), Vocabulary([7, 9]), old_and_new)
    model = trending.Trending(trending.TrendingConfig(recent_days=10 / 86_400, smoothing=0.1)).fit(shop)
    assert model.recommend(["ann"], k=2, hide="none").ids(0) == [9, 7]


def test_without_a_change_nothing_is_trending(trending: ModuleType, cycle: Dataset) -> None:
    model = trending.Trending(trending.TrendingConfig(recent_days=365)).fit(cycle)
    assert model.trend == pytest.approx(1.0)


def test_the_whole_line_finds_the_taste_of_a_shopper(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = load("offline_line")
    line.run(tmp_path)
    before = capsys.readouterr().out
    assert "25 rows, duplicate" in before
    assert "missing_user" in before
    line.show(tmp_path)
    known, runner, nobody = capsys.readouterr().out.splitlines()
    assert known.count("coffee ") >= 2
    assert runner.count("running ") >= 2
    assert nobody.count("(MostPopular)") == 3

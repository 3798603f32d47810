"""Choosing a predictor: parts that do not leak, equal searches, one answer of the test part, and odd data."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from looks import Looks
from visits import prepared, visit_tables

from shopkeeper.config import build
from shopkeeper.data.cutoffs import MICROSECONDS_A_DAY
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.make import make_examples
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.errors import ConfigError, DataError, ResourceError
from shopkeeper.jobs.select import Selection, select
from shopkeeper.jobs.select_models import competing, contestants
from shopkeeper.jobs.select_parts import make_parts, part_moments, thinned
from shopkeeper.jobs.select_results import write_selection
from shopkeeper.jobs.select_search import Search
from shopkeeper.jobs.select_settings import BehaviorSettings
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.jobs.tune_clock import TrialProgress
from shopkeeper.jobs.tune_goal import Budget
from shopkeeper.predictors.base import Predictor

pytest.importorskip("lightgbm")
pytest.importorskip("optuna")
QUICK: dict[str, Any] = {
    "examples": {"days": 2, "negatives": 5}, "max_examples": 2000, "evaluation": {"n_bootstrap": 50},
    "models": ["NaiveBayes", "LogisticRegression"],
    "predictors": {"gradient_boosting": {"trees": 30}},
}  # fmt: skip

A_DAY = 24 * 60
"""Minutes that no trial of a test needs on any machine."""
LOOKS_OF_A_TRIAL = 20
"""At its clock, at most."""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return prepared(tmp_path_factory.mktemp("visits") / "data")


def settings(**values: Any) -> BehaviorSettings:
    return build(BehaviorSettings, QUICK | values)


def selected(dataset: Dataset, folder: Path, trials: int = 1, **values: Any) -> Selection:
    return select(
        dataset, settings(**values), ShopSettings().prepare.split, folder, Budget(minutes=A_DAY, trials=trials)
    )


def test_parts_lie_one_behind_the_other_with_their_horizons(dataset: Dataset) -> None:
    parts = make_parts(dataset, settings(), ShopSettings().prepare.split)
    reach = 2 * MICROSECONDS_A_DAY
    for name, examples in parts.by_name().items():
        begin, end = parts.moments[name]
        assert examples.timestamp.min() >= begin
        assert examples.timestamp.max() + reach <= end
    assert parts.moments["train"][1] == parts.moments["validation"][0]
    assert parts.moments["validation"][1] == parts.moments["test"][0]


def test_the_future_of_a_part_changes_nothing_in_it(dataset: Dataset) -> None:
    parts = make_parts(dataset, settings(), ShopSettings().prepare.split)
    end = parts.moments["train"][1]
    known = dataset.select(np.asarray(dataset.histories.timestamp) < end)
    again = make_examples(known, settings().examples, *parts.moments["train"])
    whole = make_examples(dataset, settings().examples, *parts.moments["train"])
    np.testing.assert_array_equal(again.label, whole.label)
    np.testing.assert_array_equal(again.item_index, whole.item_index)


def test_parts_grow_with_the_horizon(dataset: Dataset) -> None:
    split = ShopSettings().prepare.split
    for days in (1, 4, 9):
        moments, _ = part_moments(dataset, settings(examples={"days": days}), split)
        assert all(end - begin >= 1.25 * days * MICROSECONDS_A_DAY for begin, end in moments.values())
    moments, notes = part_moments(dataset, settings(part_days=6), split)
    assert moments["test"][1] - moments["test"][0] == 6 * MICROSECONDS_A_DAY
    assert "cleaning of the log was fitted" in notes[0]
    with pytest.raises(DataError, match="too short for three parts"):
        part_moments(dataset, settings(examples={"days": 20}), split)


def test_thinning_keeps_what_is_rare_and_says_the_rate(dataset: Dataset) -> None:
    examples = make_examples(dataset, ExampleSettings(days=2, negatives=20))
    positives = int(examples.label.sum())
    few = thinned(examples, 2 * positives, 0)
    assert few.label.sum() == positives
    assert len(few) == pytest.approx(2 * positives, rel=0.1)
    assert few.weight.sum() == pytest.approx(examples.weight.sum(), rel=0.1)
    fewer = thinned(examples, positives, 0)
    assert len(fewer) <= positives
    assert len(np.unique(fewer.user_index)) < len(np.unique(examples.user_index))
    assert thinned(examples, len(examples), 0) is examples


def test_it_tunes_each_alike_and_asks_the_test_once(dataset: Dataset, tmp_path: Path) -> None:
    found = selected(dataset, tmp_path, trials=3)
    assert [entry.name for entry in found.board.entries] == ["NaiveBayes", "LogisticRegression"]
    assert {entry.trials for entry in found.board.entries} == {3}
    assert found.why == "nothing is left to try"
    for entry in found.board.entries:
        assert entry.evaluation.value("auc") > 0.7  # carts tell who buys
        assert entry.evaluation.value("sampled_calibration_error") < 0.1
        assert entry.fitting.seconds > 0
    write_selection(found, tmp_path)
    saved = json.loads((tmp_path / "leaderboard.json").read_text())
    assert saved["times_test_was_asked"] == 1
    assert saved["verdict"]["chosen"] == found.verdict.chosen
    assert not [note for note in saved["protocol"]["notes"] if "asked" in note]
    chosen = Predictor.load(tmp_path / "predictor")
    assert chosen.name == found.verdict.chosen
    assert chosen.settings == found.settings.examples
    np.testing.assert_array_equal(
        chosen.predict_proba(found.parts.test), found.kept[chosen.name].predictor.predict_proba(found.parts.test)
    )


def test_the_same_call_goes_on_and_says_that_the_test_was_asked_before(dataset: Dataset, tmp_path: Path) -> None:
    write_selection(selected(dataset, tmp_path, models=["NaiveBayes"]), tmp_path)
    fits = (tmp_path / "predictors/fits.json").read_text()
    again = selected(dataset, tmp_path, models=["NaiveBayes"], trials=2)
    assert again.board.entries[0].trials == 3
    assert "asked 2 times" in again.board.protocol.notes[-1]
    (tmp_path / "predictors/fits.json").write_text(fits.replace('"trial": 0', '"trial": 99'))
    assert selected(dataset, tmp_path, models=["NaiveBayes"]).kept["NaiveBayes"].trials == 4
    with pytest.raises(ConfigError, match="search of other settings"):
        selected(dataset, tmp_path, models=["NaiveBayes"], examples={"days": 3})


def test_the_best_settings_are_a_configuration(dataset: Dataset, tmp_path: Path) -> None:
    write_selection(selected(dataset, tmp_path, models=["GradientBoosting"]), tmp_path)
    best = build(ShopSettings, tomllib.loads((tmp_path / "best.toml").read_text())).behavior
    assert best.models == ("GradientBoosting",)
    assert best.examples.days == 2
    (one,) = contestants(competing(dataset, best), best, 100)
    assert one.space == {}  # what is given is not searched


def test_time_is_shared_and_an_end_is_an_end(dataset: Dataset, tmp_path: Path, looks: Looks) -> None:
    budget = Budget(minutes=1, begun=looks.monotonic())
    found = select(dataset, settings(), ShopSettings().prepare.split, tmp_path, budget)
    assert found.why == "the minutes are over"
    assert looks.seconds < 60 + LOOKS_OF_A_TRIAL
    spent = [one.seconds for one in found.kept.values()]
    assert abs(spent[0] - spent[1]) <= LOOKS_OF_A_TRIAL


def test_no_time_at_all_is_said(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="no predictor was finished"):
        select(dataset, settings(), ShopSettings().prepare.split, tmp_path, Budget(minutes=1e-6))


class Impatient:
    """Stops the work at the third sign of it, as Ctrl-C does."""

    def __init__(self) -> None:
        self.signs = 0

    def start(self, title: str, total: int | None) -> None:
        pass

    def advance(self, steps: int = 1, facts: Mapping[str, float] | None = None) -> None:
        self.signs += facts is not None
        if self.signs == 3:
            raise KeyboardInterrupt

    def finish(self) -> None:
        pass


def test_a_search_that_was_stopped_goes_on(dataset: Dataset, tmp_path: Path) -> None:
    split, asked = ShopSettings().prepare.split, settings(models=["NaiveBayes"])
    with pytest.raises(KeyboardInterrupt):
        select(dataset, asked, split, tmp_path, Budget(minutes=A_DAY, trials=4), Impatient())
    found = select(dataset, asked, split, tmp_path, Budget(minutes=A_DAY, trials=4))
    whole = select(
        dataset, asked, split, tmp_path / "whole", Budget(minutes=A_DAY, trials=found.kept["NaiveBayes"].trials)
    )
    assert found.kept["NaiveBayes"].trials > 4
    assert found.kept["NaiveBayes"].trial.values == whole.kept["NaiveBayes"].trial.values
    assert not found.board.protocol.notes


def test_what_does_not_fit_is_left_out_with_its_reason(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'NaiveBayes'"):
        selected(dataset, tmp_path, models=["naive_bayse"])
    usual = {model.__name__ for model in competing(dataset, settings(models=[]))}
    assert usual >= {"GradientBoosting", "NaiveBayes"}
    assert {model.__name__ for model in competing(dataset, settings(models=["all"]))} > usual
    with pytest.raises(ConfigError, match="predicts amounts"):
        competing(dataset, settings(models=["NaiveBayes"], examples={"target": "amount", "days": 5}))


@pytest.mark.parametrize(
    ("examples", "least"),
    [({"given": "cart", "days": 2}, 0.6), ({"target": "churn", "days": 3, "every_days": 3}, 0.5)],
)
def test_other_targets(dataset: Dataset, tmp_path: Path, examples: dict[str, Any], least: float) -> None:
    found = selected(dataset, tmp_path, examples=examples, models=["NaiveBayes"])
    assert found.board.entries[0].evaluation.value("auc") > least


def test_amounts(dataset: Dataset, tmp_path: Path) -> None:
    amounts = {"target": "amount", "days": 4, "every_days": 2}
    found = selected(dataset, tmp_path, examples=amounts, models=["GradientBoosting"])
    assert found.board.entries[0].evaluation.value("rmse") > 0
    assert "RMSE" in found.verdict.words[-1] or "RMSE" in found.verdict.words[1]


# Odd data


def test_one_label_only_is_refused_in_words(tmp_path: Path) -> None:
    events, catalog = visit_tables()
    never = events.filter(pc.not_equal(events.column("event_type"), "purchase"))
    with pytest.raises(DataError, match="no event of type purchase"):
        selected(prepared(tmp_path / "never", never, catalog), tmp_path / "out")
    early = pc.less(events.column("timestamp"), pc.min(events.column("timestamp")).as_py() + 10 * MICROSECONDS_A_DAY)
    first = events.filter(pc.or_(early, pc.not_equal(events.column("event_type"), "purchase")))
    with pytest.raises(DataError, match="too little to learn purchase from"):
        selected(prepared(tmp_path / "first", first, catalog), tmp_path / "out")


def test_constant_columns_gaps_and_infinite_prices_do_no_harm(tmp_path: Path) -> None:
    events, catalog = visit_tables()
    price = np.full(len(events), np.nan)
    price[::3], price[1::3] = np.inf, -1.0
    odd = events.set_column(events.column_names.index("price"), "price", pa.array(price))
    same = catalog.set_column(2, "category", pa.array([None, "Garden"] * (len(catalog) // 2)))
    same = same.append_column("brand", pa.array(["one"] * len(catalog)))
    names = ["NaiveBayes", "LogisticRegression", "GradientBoosting", "RandomForest", "LinearSVM"]
    found = selected(prepared(tmp_path / "odd", odd, same), tmp_path / "out", models=names)
    assert dict(found.left_out) == {}
    for entry in found.board.entries:
        assert entry.evaluation.value("auc") > 0.7


def test_networks_compete(dataset: Dataset, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    found = selected(dataset, tmp_path, models=["MLP", "NaiveBayes"], training={"epochs": 10, "device": "cpu"})
    assert [entry.name for entry in found.board.entries] == ["NaiveBayes", "MLP"]  # networks begin last
    assert found.board.entry("MLP").evaluation.value("auc") > 0.5


def test_what_time_cuts_is_taken_up_again(dataset: Dataset, tmp_path: Path, looks: Looks) -> None:
    pytest.importorskip("torch")
    many = settings(models=["MLP"], training={"epochs": 100_000, "patience": None, "device": "cpu"})
    parts = make_parts(dataset, many, ShopSettings().prepare.split)
    (one,) = contestants(competing(dataset, many), many, len(parts.train))
    for place in range(2):
        begun = looks.monotonic()
        clock = TrialProgress(None, "", begun, begun + 20)
        search = Search([one], parts, tmp_path, {}, 0, begun + 20, None, clock)
        assert search.run() == "the minutes are over"
        assert search.kept() == {}
        cut = search.runners[0].study.trials[-1]
        assert (cut.state, cut.values) == ("cut", one.start), place
        assert "seconds did not suffice" in search.runners[0].ended

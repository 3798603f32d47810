"""Tuning on a small shop: what it searches, how it stops, what it survives, what it leaves behind."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path
from typing import Any

import pytest
from looks import Looks

from shop import write_shop
from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.events import Events, EventsSettings
from shopkeeper.data.prepare import PrepareSettings, prepare
from shopkeeper.data.split import split
from shopkeeper.errors import ConfigError, ResourceError
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.jobs.tune import STUDY, UNFINISHED, Tuned, tune
from shopkeeper.jobs.tune_goal import Budget, Metric
from shopkeeper.jobs.tune_results import best_toml, write_page, write_results
from shopkeeper.jobs.tune_space import tuning_space, with_values
from shopkeeper.recommenders.ease import EASE
from shopkeeper.recommenders.registry import recommender_class
from shopkeeper.recommenders.validation import validation_ndcg

FAST = {"training": {"epochs": 2, "device": "cpu"}, "models": {"sasrec": {"embedding_size": 32}}}
A_DAY = 24 * 60
"""Minutes that no trial of a test needs on any machine."""
SMALL = ("models.sasrec", "training.epochs")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("shop")
    events, catalog = write_shop(folder)
    columns = {"user_id": "customer", "timestamp": "time"}
    log = Events.read(str(events), build(EventsSettings, {"columns": columns, "event_type": "purchase"}))
    return prepare(log, Catalog.read(str(catalog)), PrepareSettings(), folder / "data")


def settings(**values: Any) -> ShopSettings:
    return build(ShopSettings, values)


def searched(dataset: Dataset, folder: Path, model: str = "transitions", trials: int = 3, **options: Any) -> Tuned:
    chosen = options.pop("settings", settings())
    return tune(dataset, model, chosen, folder, Budget(minutes=A_DAY, trials=trials), **options)


def test_the_first_trial_has_the_defaults_and_the_best_one_is_the_best(dataset: Dataset, tmp_path: Path) -> None:
    found = searched(dataset, tmp_path, trials=8)
    parts = split(dataset, settings().prepare.split)
    model = settings().recommender("transitions").fit(parts.train)
    assert found.trials[0].score == pytest.approx(validation_ndcg(model, parts.validation))
    assert found.best.score == max(trial.score for trial in found.trials)
    assert set(found.importances) == set(found.space)


def test_the_same_call_goes_on_as_if_it_had_not_stopped(dataset: Dataset, tmp_path: Path) -> None:
    searched(dataset, tmp_path / "parts", trials=5)
    parts = searched(dataset, tmp_path / "parts", trials=4)
    whole = searched(dataset, tmp_path / "whole", trials=9)
    assert [(t.values, t.score) for t in parts.trials] == [(t.values, t.score) for t in whole.trials]
    with pytest.raises(ConfigError, match="other settings"):
        searched(dataset, tmp_path / "parts", settings=settings(models={"transitions": {"neighbors": 3}}))


def test_a_network_is_tuned_with_its_training_and_found_again_from_the_file(dataset: Dataset, tmp_path: Path) -> None:
    fixed = ("training.epochs", "models.sasrec.embedding_size")
    found = searched(dataset, tmp_path, "sasrec", trials=2, settings=settings(**FAST), fixed=fixed)
    assert "training.optimizer.learning_rate" in found.space
    assert "models.SASRec.embedding_size" not in found.space
    assert all(len(trial.curve) == 2 for trial in found.trials)
    assert not (tmp_path / UNFINISHED).exists()
    write_results(found, tmp_path)
    written = tomllib.loads((tmp_path / "best.toml").read_text())
    assert written["training"]["epochs"] == 2
    assert written["models"]["SASRec"]["embedding_size"] == 32
    assert "device" not in written["training"]
    again = build(ShopSettings, written)
    parts = split(dataset, again.prepare.split)
    model = again.recommender("sasrec").fit(parts.train, parts.validation, again.training)
    assert validation_ndcg(model, parts.validation) == pytest.approx(found.best.score)


def test_trials_below_the_others_are_given_up(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every trial reaches less than all before it: the first three are judged by nobody, the others are given up."""
    reached = iter(range(1000, 0, -1))
    monkeypatch.setattr("shopkeeper.recommenders.neural.validation_ndcg", lambda *_: next(reached) / 1000)
    few = settings(training={"epochs": 3, "device": "cpu"}, models={"sasrec": {"embedding_size": 8}})
    found = searched(dataset, tmp_path, "sasrec", trials=5, settings=few, fixed=SMALL)
    assert [trial.state for trial in found.trials] == ["complete"] * 3 + ["pruned"] * 2
    assert [list(trial.curve) for trial in found.trials] == [[1, 2, 3]] * 3 + [[1]] * 2
    assert all("median" in trial.reason for trial in found.trials[3:])
    assert found.best.number == 0


def test_the_clock_cuts_a_trial_and_the_next_call_takes_it_up(dataset: Dataset, tmp_path: Path, looks: Looks) -> None:
    endless = settings(
        training={"epochs": 100_000, "patience": None, "device": "cpu"}, models={"sasrec": {"embedding_size": 8}}
    )

    def epochs_after_a_call() -> list[int]:
        with pytest.raises(ResourceError, match="the same command goes on") as refused:
            tune(dataset, "sasrec", endless, tmp_path, Budget(minutes=1, begun=looks.monotonic()), SMALL)
        assert "the minutes were over" in str(refused.value)
        (unfinished,) = (tmp_path / UNFINISHED).iterdir()  # of all calls
        return [int(row["epoch"]) for row in csv.DictReader((unfinished / "log.csv").read_text().splitlines())]

    first, second = epochs_after_a_call(), epochs_after_a_call()
    assert 0 < len(first) < len(second)
    assert second == list(range(1, len(second) + 1))


def test_a_trial_that_fails_is_counted_and_not_fatal(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, calls = EASE._fit, iter(range(100))

    def sometimes(self: EASE, *arguments: Any) -> None:
        if next(calls) % 2:
            raise ResourceError("the machine is tired")
        fit(self, *arguments)

    monkeypatch.setattr(EASE, "_fit", sometimes)
    found = searched(dataset, tmp_path, "ease", trials=4)
    assert [trial.state for trial in found.trials] == ["complete", "failed", "complete", "failed"]
    assert found.trials[1].reason == "the machine is tired"
    monkeypatch.setattr(EASE, "_fit", lambda self, *_: 1 / 0)
    with pytest.raises(ResourceError, match="every trial failed") as refused:
        searched(dataset, tmp_path / "never", "ease", trials=99)
    assert "ZeroDivisionError" in str(refused.value)


def test_a_small_space_is_searched_to_its_end(dataset: Dataset, tmp_path: Path) -> None:
    found = searched(dataset, tmp_path, "MostPopular", trials=500)
    assert found.why == "nothing new is left to try"
    tried = [trial.values["models.MostPopular.half_life_days"] for trial in found.trials if not trial.reason]
    assert len(tried) == len(set(tried)) == 8
    assert "half_life_days" in best_toml(found)


def test_another_metric_chooses_another_way(dataset: Dataset, tmp_path: Path) -> None:
    found = searched(dataset, tmp_path, metric=Metric.parse("recall@1"))
    assert str(found.metric) == "recall@1"
    assert "recall@1" in best_toml(found)
    for text in ("gini@10", "ndcg", "ndcg@0", "ndgc@10"):
        with pytest.raises(ConfigError):
            Metric.parse(text)


def test_what_cannot_be_tuned_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to tune in RecentlyViewed"):
        searched(dataset, tmp_path, "recently_viewed")
    with pytest.raises(ConfigError, match="nothing to tune in MostPopular"):
        searched(dataset, tmp_path, "most_popular", fixed=["models.mostpopular"])
    assert not (tmp_path / STUDY).exists()


def test_the_space_starts_from_the_settings_and_widens_for_them(dataset: Dataset) -> None:
    train = split(dataset, settings().prepare.split).train
    model = recommender_class("sasrec")
    given = settings(models={"sasrec": {"max_length": 30}}, training={"optimizer": {"learning_rate": 0.1}})
    space, start = tuning_space(given, model, train, ["models.SASREC.dropout", "training.optimizer.weight_decay"])
    assert start["models.SASRec.max_length"] == 30
    assert 30 in space["models.SASRec.max_length"].options
    assert space["training.optimizer.learning_rate"].high == 0.1
    assert not {"models.SASRec.dropout", "training.optimizer.weight_decay"} & set(space)
    changed = with_values(given, {**start, "models.SASRec.max_length": 20})
    assert changed.recommender("sasrec").config.max_length == 20
    assert changed.training == given.training


def test_weights_of_event_types_are_searched_where_they_matter(dataset: Dataset) -> None:
    train = split(dataset, settings().prepare.split).train
    space, _ = tuning_space(settings(), recommender_class("transitions"), train)
    assert not [path for path in space if "weights" in path]


def test_the_folder_has_settings_a_table_and_a_page(dataset: Dataset, tmp_path: Path) -> None:
    found = searched(dataset, tmp_path, trials=7)
    write_results(found, tmp_path)
    write_page(found, tmp_path, "shopkeeper tune <dataset>")
    table = list(csv.DictReader((tmp_path / "trials.csv").read_text().splitlines()))
    assert [row["state"] for row in table] == ["complete"] * 7
    assert float(table[found.best.number]["ndcg@10"]) == pytest.approx(found.best.score, abs=1e-6)
    page = (tmp_path / "tuning.html").read_text()
    assert page.count("<svg") == 2 * (1 + 1 + 4)  # history, importance, the four that matter most; wide and narrow
    assert "shopkeeper tune &lt;dataset&gt;" in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")

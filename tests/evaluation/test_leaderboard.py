"""Leaderboards, comparisons and the leakage check of models."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scripted import Scripted, dataset, holdout

from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.errors import DataError
from shopkeeper.evaluation.compare import compare
from shopkeeper.evaluation.contest import leaderboard
from shopkeeper.evaluation.evaluate import evaluate
from shopkeeper.evaluation.leaderboard import Entry, Leaderboard
from shopkeeper.evaluation.leakage import check_models
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.recommenders.popular import MostPopular
from shopkeeper.recommenders.registry import recommender_classes
from shopkeeper.training.settings import TrainingSettings

QUICK = EvaluationSettings(ks=(1, 10), n_bootstrap=100)
LEAVE_ONE_OUT = SplitSettings(kind="leave_one_out")


@pytest.fixture
def parts(cycle):
    return split(cycle, LEAVE_ONE_OUT)


@pytest.fixture
def board(parts) -> Leaderboard:
    n_items = parts.train.n_items
    models = [MostPopular(), ("forwards", Scripted(*range(n_items))), ("backwards", Scripted(*range(n_items)[::-1]))]
    return leaderboard(parts, models, settings=QUICK)


def test_one_record_a_model_with_intervals_and_cost(board):
    records = board.rows()
    assert [record["model"] for record in records] == ["MostPopular", "forwards", "backwards"]
    first = records[0]
    assert first["ndcg@10_low"] <= first["ndcg@10"] <= first["ndcg@10_high"]
    assert first["fit_seconds"] >= 0
    assert records[1]["model_megabytes"] == pytest.approx(1.0)
    assert "coverage@10_low" not in first
    assert first["part"] == "test"


def test_the_stamps_say_what_a_reader_must_know(board, cycle):
    text = board.to_text()
    assert text.startswith("LEAKS THE FUTURE")
    assert "full ranking of 12 items" in text
    assert "hidden (0.0% of the training events repeat one)" in text
    by_time = leaderboard(split(cycle, SplitSettings()), [MostPopular()], settings=QUICK)
    assert "LEAKS" not in by_time.to_text()
    assert "as new" not in text
    new = replace(board.protocol, cold_items=3)
    assert "kept from training as new: 3 items and 0 shoppers" in new.stamps()


def test_columns_that_were_not_measured_are_left_out(board):
    head = next(line for line in board.to_text(["recall@1", "recall@7"]).splitlines() if line.startswith("model"))
    assert head.split() == ["model", "recall@1", "fit", "s", "score", "s", "MB"]


def test_json_is_plain_and_whole(board, tmp_path):
    board.save(tmp_path / "board.json")
    content = json.loads((tmp_path / "board.json").read_text())
    assert content["protocol"]["leaks_future"] is True
    assert content["models"]["MostPopular"]["config"]["half_life_days"] is None
    assert len(content["rows"]) == len(board.metric_rows())
    assert {row["group"] for row in content["rows"]} >= {"all", "shoppers"}


def test_models_are_fitted_with_validation_for_stopping_and_asked_on_one_part(parts):
    model = Scripted(*range(12))
    board = leaderboard(parts, [model], settings=QUICK, part="validation")
    assert model.fitted_with_validation
    assert board.protocol.part == "validation"
    assert {row.part for row in board.metric_rows()} == {"validation"}


def test_two_models_of_one_name_are_refused(parts):
    with pytest.raises(DataError, match="one name"):
        leaderboard(parts, [MostPopular(), MostPopular()], settings=QUICK)


def test_parts_are_not_mixed(parts):
    model = MostPopular().fit(parts.train)
    entries = [
        Entry(evaluate(model, getattr(parts, part), QUICK, part=part, name=part)) for part in ("validation", "test")
    ]
    with pytest.raises(DataError, match="asked different shoppers"):
        Leaderboard.of(parts, entries)


def test_the_best_and_the_differences_to_a_reference(board):
    assert board.best("recall", 1).evaluation.value("recall", 1) == max(r["recall@1"] for r in board.rows())
    rows = board.comparisons("forwards")
    assert {(row.a, row.b) for row in rows} == {("MostPopular", "forwards"), ("backwards", "forwards")}
    with pytest.raises(DataError, match="no model 'sideways'"):
        board.comparisons("sideways")


def evaluation_of(name: str, hits: np.ndarray):
    """Shopper i gets what they want exactly where hits[i]."""
    train = dataset([1], [2], [3], [4])
    targets = [1 if hit else 2 for hit in hits]
    asked = holdout(train, *[(1, [], [target]) for target in targets])
    settings = EvaluationSettings(ks=(1,), metrics=("recall",), n_bootstrap=0, hide_seen=False)
    return evaluate(Scripted(2, 1, 0, 0).fit(train), asked, settings, name=name)


def test_a_clear_difference_is_found_and_none_is_not():
    rng = np.random.default_rng(0)
    good, bad = rng.random(500) < 0.6, rng.random(500) < 0.4
    (better,) = compare(evaluation_of("good", good), evaluation_of("bad", bad))
    assert better.difference == pytest.approx(good.mean() - bad.mean(), abs=1e-6)
    assert better.low < better.difference < better.high
    assert better.clear
    assert better.p_value < 1e-6
    (same,) = compare(evaluation_of("good", good), evaluation_of("twin", good))
    assert (same.difference, same.p_value, same.clear) == (0, 1, False)


def test_the_p_value_is_that_of_the_paired_t_test():
    from scipy.stats import ttest_rel

    rng = np.random.default_rng(1)
    a, b = rng.random(80) < 0.5, rng.random(80) < 0.4
    (row,) = compare(evaluation_of("a", a), evaluation_of("b", b))
    assert row.p_value == pytest.approx(ttest_rel(a.astype(float), b.astype(float)).pvalue, rel=1e-6)


def test_pairing_makes_the_interval_narrower_than_the_difference_of_two():
    rng = np.random.default_rng(2)
    a = rng.random(400) < 0.5
    b = a ^ (rng.random(400) < 0.05)
    (row,) = compare(evaluation_of("a", a), evaluation_of("b", b))
    assert row.high - row.low < 0.06


def test_other_shoppers_are_refused():
    with pytest.raises(DataError, match="asked different shoppers"):
        compare(evaluation_of("a", np.ones(3, bool)), evaluation_of("b", np.ones(4, bool)))


class LooksAhead(MostPopular):
    """A model that was handed the whole log on the side."""

    whole = None

    def _fit(self, train, validation, training, progress) -> None:
        super()._fit(train, validation, training, progress)
        self.popularity = self.popularity + self.whole


def test_models_pass_the_leakage_check_unless_they_look_ahead(cycle, monkeypatch):
    models = {"MostPopular": MostPopular, "LooksAhead": LooksAhead}
    totals = iter([np.float32(1), np.float32(2)])
    make = {**models, "LooksAhead": lambda: _with(next(totals))}
    report = check_models(cycle, SplitSettings(), make)
    assert [(check.name, check.leaks) for check in report.checks] == [
        ("training part", False), ("MostPopular", False), ("LooksAhead", True),
    ]  # fmt: skip


def test_no_recommender_of_the_package_looks_ahead(cycle):
    report = check_models(cycle, SplitSettings(), recommender_classes(), TrainingSettings(epochs=1, device="cpu"))
    assert report.passed, report.to_text()
    assert len(report.checks) == 1 + len(recommender_classes())


def _with(total) -> LooksAhead:
    model = LooksAhead()
    model.whole = total
    return model

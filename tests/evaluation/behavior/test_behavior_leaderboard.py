"""Evaluations, comparisons, the leaderboard of predictors, and which one the rules take."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from said import QUICK, blurred, board, evaluation, true_examples

from shopkeeper.errors import DataError
from shopkeeper.evaluation.behavior.compare import compare_predictors
from shopkeeper.evaluation.behavior.evaluate import evaluate_predictor
from shopkeeper.evaluation.behavior.verdict import verdict
from shopkeeper.predictors.naive_bayes import NaiveBayes


def test_a_predictor_is_measured_whole_and_by_segment():
    examples, _ = true_examples()
    model = NaiveBayes().fit(examples)
    found = evaluate_predictor(model, examples, QUICK)
    of_auc = {(row.group, row.segment): row for row in found.rows if row.metric == "auc"}
    assert {segment for group, segment in of_auc if group == "shopper events"} == {
        "none", "1 to 4", "5 to 19", "20 and more",
    }  # fmt: skip
    assert {segment for group, segment in of_auc if group == "before"} == {"viewed", "in the cart", "never met"}
    whole = of_auc["all", ""]
    assert whole.low <= whole.value <= whole.high
    assert whole.n_examples == len(examples) == sum(r.n_examples for k, r in of_auc.items() if k[0] == "before")
    assert whole.n_positives == examples.label.sum()
    assert found.value("auc") == whole.value
    assert found.predictions_per_second > 0
    assert found.base_rate == pytest.approx(examples.label.mean())


def test_the_paired_test_sees_more_than_two_intervals():
    examples, chance = true_examples()
    better = evaluation("better", examples, blurred(chance, 0.3))
    worse = evaluation("worse", examples, blurred(blurred(chance, 0.3), 0.5, seed=2))
    found = compare_predictors(worse, better, "auc")
    assert found.high < 0
    assert not found.better
    assert found.p_value == pytest.approx(2 / QUICK.n_bootstrap)
    assert better.figures.interval("auc")[0] < worse.value("auc")  # alone the intervals overlap
    same = compare_predictors(better, replace(better, model="twin"), "auc")
    assert (same.difference, same.p_value, same.clear) == (0, 1, False)


def test_other_examples_are_refused():
    examples, chance = true_examples()
    one = evaluation("one", examples, chance)
    with pytest.raises(DataError, match="different examples"):
        compare_predictors(one, replace(one, model="two", asked="others"), "auc")
    with pytest.raises(DataError, match="different examples"):
        board(examples, [one, replace(one, model="two", asked="others")], [1, 1])
    with pytest.raises(DataError, match="one name"):
        board(examples, [one, one], [1, 1])


def test_the_leaderboard_says_how_it_was_measured(tmp_path):
    examples, _ = true_examples(rate=0.1)
    models = [NaiveBayes().fit(examples), NaiveBayes(NaiveBayes.Config(bins=4)).fit(examples)]
    names = ["fine", "coarse"]
    found = [evaluate_predictor(one, examples, QUICK, name=name) for one, name in zip(models, names, strict=True)]
    made = board(examples, found, [1.0, 2.0])
    text = made.to_text()
    assert "purchase within 7 days" in text
    assert "one of 10 pairs without the target" in text
    assert "sampled ECE" in text
    assert "±" in text
    made.save(tmp_path / "board.json", more=[1])
    saved = json.loads((tmp_path / "board.json").read_text())
    assert saved["more"] == [1]
    assert set(saved["models"]) == {"fine", "coarse"}
    assert saved["models"]["coarse"]["fitting"]["seconds"] == 2.0
    assert len(saved["rows"]) == len(made.rows())
    with pytest.raises(DataError, match="fine, coarse"):
        made.entry("smooth")


def contest(noises: dict[str, float], seconds: list[float], test: dict[str, float] | None = None):
    """A verdict on models of so much noise on validation, and on the test part."""
    later, later_chance = true_examples(seed=5)
    examples, chance = true_examples(seed=6)
    held_out = [
        evaluation(name, later, blurred(later_chance, noise), part="validation") for name, noise in noises.items()
    ]
    asked = [evaluation(name, examples, blurred(chance, noise)) for name, noise in (test or noises).items()]
    return verdict(board(examples, asked, seconds), held_out)


def test_of_equals_the_cheapest_is_taken():
    found = contest({"large": 0.30, "small": 0.30, "poor": 3.0}, [400.0, 10.0, 1.0])
    assert (found.chosen, set(found.equals)) == ("small", {"large", "small"})
    found = contest({"small": 0.30, "large": 0.30, "poor": 3.0}, [400.0, 10.0, 1.0])
    assert found.best == "small"
    assert found.words[0] == "Take large: it is as good as small on your data and 20 times cheaper."


def test_a_clear_difference_is_never_as_good_however_small():
    found = contest({"large": 0.30, "small": 0.305}, [400.0, 10.0])
    assert (found.chosen, found.equals) == ("large", ("large",))
    assert found.words[1] == "small is worse by less than 5% in every figure and 20 times cheaper."


def test_a_clearly_better_one_is_taken_at_any_price():
    found = contest({"large": 0.1, "small": 2.0}, [400.0, 10.0])
    assert found.chosen == "large"
    assert "better than all others" in found.words[0]
    assert "only one" in contest({"alone": 0.1}, [1.0]).words[0]


def test_the_test_part_has_no_say_and_speaks():
    found = contest({"large": 2.0, "small": 0.1}, [40.0, 10.0], test={"large": 0.1, "small": 2.0})
    assert found.chosen == "small"
    assert "better than all" not in found.words[0]
    assert "not everything speaks for it" in found.words[0]
    assert any(words.startswith("There large is better in AUC by") for words in found.words)


def test_few_positives_are_said():
    examples, chance = true_examples(300)
    one = evaluation("one", examples, chance)
    assert np.any(["take care" in words for words in verdict(board(examples, [one], [1]), [one]).words])

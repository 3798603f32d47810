"""Figures of predictors: the same as the plain functions give, and resamples as if rows were repeated."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from said import blurred, true_examples

from shopkeeper.errors import DataError
from shopkeeper.evaluation.behavior.figures import AMOUNT_FIGURES, CHANCE_FIGURES, figures_of
from shopkeeper.evaluation.behavior.ordering import Ordering
from shopkeeper.evaluation.behavior.scored import Scored
from shopkeeper.evaluation.behavior.truth import Truth
from shopkeeper.metrics import classification


def scored(rate: float = 0.3, digits: int | None = None, seed: int = 0) -> Scored:
    examples, chance = true_examples(600, 40, rate, seed)
    said = blurred(chance, 0.5)
    return Scored.of(examples, said if digits is None else np.round(said, digits))


def value(one: Scored, name: str) -> float:
    return float(figures_of(one, 0, 0).values[CHANCE_FIGURES.index(name)])


@pytest.mark.parametrize("digits", [None, 2, 0])
def test_figures_are_those_of_the_plain_functions(digits):
    one = scored(digits=digits)
    plain = {
        "auc": classification.auc, "pr_auc": classification.average_precision, "log_loss": classification.log_loss,
        "brier": classification.brier, "calibration_error": classification.calibration_error,
    }  # fmt: skip
    for name, function in plain.items():
        assert value(one, name) == pytest.approx(function(one.label, one.said, one.weight), rel=1e-9), name
    assert value(one, "lift") == pytest.approx(classification.lift(one.label, one.said, 0.1, one.weight))
    assert value(one, "group_auc") == pytest.approx(
        classification.group_auc(one.label, one.said, one.shopper, one.weight)
    )


@pytest.mark.parametrize("digits", [None, 1])
def test_a_resample_is_as_if_the_rows_of_a_shopper_were_repeated(digits):
    one = scored(digits=digits)
    count = np.random.default_rng(3).integers(0, 3, one.n_shoppers)
    rows = np.repeat(np.arange(len(one)), count[one.shopper])
    again = Scored(one.label[rows], one.said[rows], one.weight[rows], one.shopper[rows], one.n_shoppers)
    counts = count[None].astype(np.float32)
    auc, pr_auc, lift = Ordering(one).figures(counts)[0]
    assert auc == pytest.approx(value(again, "auc"))
    assert pr_auc == pytest.approx(value(again, "pr_auc"))
    assert lift == pytest.approx(value(again, "lift"))
    assert Truth(one).figures(counts)[0, 1] == pytest.approx(value(again, "log_loss"))


def test_weights_let_a_sample_speak_for_all():
    for seed in range(3):
        whole, few = scored(1.0, seed=seed), scored(0.3, seed=seed)
        assert value(few, "auc") == pytest.approx(value(whole, "auc"), abs=0.05)
        assert value(few, "log_loss") == pytest.approx(value(whole, "log_loss"), rel=0.15)


def test_the_sampled_error_sees_what_the_error_of_all_pairs_does_not():
    examples, chance = true_examples(40_000, 2000, 0.02)
    true, doubled = Scored.of(examples, chance), Scored.of(examples, chance / 2)
    assert value(true, "sampled_calibration_error") < 0.02
    assert value(doubled, "sampled_calibration_error") > 4 * value(true, "sampled_calibration_error")
    assert value(true, "said_to_came") == pytest.approx(1, abs=0.15)
    assert value(doubled, "said_to_came") == pytest.approx(value(true, "said_to_came") / 2)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    many, chances = true_examples(200_000, seed=99)
    truth = classification.auc(many.label, chances)
    hits = 0
    for seed in range(40):
        examples, chance = true_examples(800, 200, seed=seed)
        low, high = figures_of(Scored.of(examples, chance), 100, 0).interval("auc")
        hits += low <= truth <= high
    assert 34 <= hits <= 40


def test_shoppers_are_drawn_with_all_their_examples():
    examples, chance = true_examples(500, 500)
    rows = np.repeat(np.arange(len(examples)), 20)
    wide = figures_of(Scored.of(examples.take(rows), chance[rows]), 200, 0).interval("auc")
    once = figures_of(Scored.of(examples, chance), 200, 0).interval("auc")
    assert wide[1] - wide[0] == pytest.approx(once[1] - once[0], rel=0.2)


def test_one_label_leaves_the_order_open_and_not_the_truth():
    examples, chance = true_examples(100)
    none = replace(examples, label=np.zeros(len(examples), dtype=np.float32))
    figures = figures_of(Scored.of(none, chance), 20, 0)
    assert np.isnan(figures.values[CHANCE_FIGURES.index("auc")])
    assert figures.interval("auc") is None
    assert np.isfinite(figures.values[CHANCE_FIGURES.index("log_loss")])


def test_amounts():
    examples, chance = true_examples(300)
    paid = replace(examples, label=(10 * chance).astype(np.float32))
    right = dict(zip(AMOUNT_FIGURES, figures_of(Scored.of(paid, 10 * chance), 10, 0, True).values, strict=True))
    assert right["rmse"] == pytest.approx(0, abs=1e-6)
    assert right["r2"] == pytest.approx(1)
    mean = np.full(len(paid), paid.label.mean(dtype=np.float64))
    usual = dict(zip(AMOUNT_FIGURES, figures_of(Scored.of(paid, mean), 0, 0, True).values, strict=True))
    assert usual["r2"] == pytest.approx(0, abs=1e-6)
    assert usual["rmse"] == pytest.approx(paid.label.std(dtype=np.float64))
    assert usual["mae"] == pytest.approx(np.abs(paid.label - mean).mean())


def test_what_is_no_number_is_refused():
    examples, chance = true_examples(50)
    with pytest.raises(DataError, match="49 finite ones of 50"):
        Scored.of(examples, np.where(np.arange(50) == 7, np.nan, chance))
    with pytest.raises(DataError, match="no example"):
        Scored.of(examples.take(slice(0, 0)), chance[:0])


def test_hundreds_of_resamples_of_many_rows_take_seconds():
    examples, chance = true_examples(100_000, 10_000)
    started = time.process_time()
    figures_of(Scored.of(examples, chance), 100, 0)
    assert time.process_time() - started < 5

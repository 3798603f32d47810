"""A verdict on rare targets, and on random boards: no sentence stands against a printed difference."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from said import board, evaluation
from sklearn.metrics import average_precision_score, roc_auc_score

from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.evaluation.behavior.evaluate import BehaviorEvaluation
from shopkeeper.evaluation.behavior.figures import LARGER_IS_BETTER, Figures
from shopkeeper.evaluation.behavior.leaderboard import HEADS
from shopkeeper.evaluation.behavior.settings import BehaviorEvaluationSettings
from shopkeeper.evaluation.behavior.verdict import CHANCE_METRICS, Verdict, verdict

METRICS = tuple(sorted(CHANCE_METRICS))


def rare(seed: int, n: int = 6000, n_shoppers: int = 300) -> tuple[Examples, Any]:
    """Examples of which one in fifty has the target; the rank of each among all by a coin of its own."""
    rng = np.random.default_rng(seed)
    label = (np.arange(n) % 50 == 0).astype(np.float32)
    examples = Examples(
        rng.integers(1, n_shoppers + 1, n).astype(np.int32), np.ones(n, dtype=np.int32),
        np.arange(n, dtype=np.int64), label, 1.0, settings=ExampleSettings(),
    )  # fmt: skip
    return examples, rng


def at_the_top(examples: Examples, rng: Any) -> Any:
    """Six in ten of what comes stand first and the rest anywhere: AUC .8, high precision."""
    score = rng.random(len(examples))
    found = (examples.label > 0) & (rng.random(len(examples)) < 0.6)
    return score + found


def in_the_upper_half(examples: Examples, rng: Any) -> Any:
    """All that comes stands in the upper two fifths, nowhere denser: AUC .8, low precision."""
    score = rng.random(len(examples))
    return np.where(examples.label > 0, 0.6 + 0.4 * score, score)


def as_chances(score: Any, label: Any) -> Any:
    """The share that came of each fiftieth of the scores: as true as it gets."""
    cell = np.argsort(np.argsort(score)) * 50 // len(score)
    share = (np.bincount(cell, label, 50) + 0.02) / (np.bincount(cell, minlength=50) + 1)
    share = np.maximum.accumulate(share)
    return np.clip(share[cell] + 1e-6 * np.argsort(np.argsort(score)) / len(score), 1e-6, 1 - 1e-6)


def rare_contest() -> tuple[Verdict, dict[str, Any]]:
    parts = []
    for seed, part in ((0, "validation"), (1, "test")):
        examples, rng = rare(seed)
        said = {
            "Forest": as_chances(at_the_top(examples, rng), examples.label),
            "Line": as_chances(in_the_upper_half(examples, rng), examples.label),
        }
        parts.append((examples, [evaluation(name, examples, one, part=part) for name, one in said.items()], said))
    (_, held_out, _), (examples, asked, said) = parts
    figures = {
        name: (roc_auc_score(examples.label, one), average_precision_score(examples.label, one))
        for name, one in said.items()
    }
    return verdict(board(examples, asked, [100.0, 1.0]), held_out), figures


def test_equal_auc_is_not_as_good_where_the_precision_of_a_rare_target_differs() -> None:
    found, figures = rare_contest()
    assert figures["Forest"][0] == pytest.approx(figures["Line"][0], abs=0.06)
    assert figures["Forest"][1] > 2 * figures["Line"][1]
    assert (found.chosen, found.equals) == ("Forest", ("Forest",))
    assert not any("as good" in words for words in found.words)


def test_what_is_too_little_to_tell_is_not_as_good() -> None:
    """Of few shoppers the interval of a large difference contains zero."""
    values = {"Forest": (0.9, 0.05, 0.2), "Line": (0.9, 0.06, 0.08)}
    spread = np.random.default_rng(0).normal(0, 0.2, (200, 3))
    found = verdict(
        *_boards({name: (one, one) for name, one in values.items()}, {"Forest": 0 * spread, "Line": spread})
    )
    assert (found.chosen, found.equals) == ("Forest", ("Forest",))
    assert "none is clearly better" in found.words[0]


def test_the_test_part_forbids_what_validation_left_open() -> None:
    values = {"Forest": ((0.9, 0.05, 0.2), (0.9, 0.05, 0.198)), "Line": ((0.9, 0.05, 0.2), (0.9, 0.05, 0.076))}
    spread = np.random.default_rng(0).normal(0, 0.01, (200, 3))
    found = verdict(*_boards(values, {"Forest": 0 * spread, "Line": spread}))
    assert (found.chosen, found.equals) == ("Forest", ("Forest",))
    assert not any("as good" in words for words in found.words)


def _evaluation(name: str, part: str, values: tuple[float, ...], spread: Any) -> BehaviorEvaluation:
    """Figures as given, in the order of `METRICS`, and resamples around them."""
    figures = Figures(METRICS, np.array(values), np.array(values) + spread)
    how = BehaviorEvaluationSettings(n_bootstrap=len(spread))
    return BehaviorEvaluation(name, part, (), figures, part, 0.02, 1e6, 1.0, how)


def _boards(values: dict[str, Any], spreads: dict[str, Any], seconds: list[float] | None = None) -> Any:
    """The board of the test part, and the evaluations of validation; of each model (validation, test)."""
    held_out = [_evaluation(name, "validation", both[0], spreads[name]) for name, both in values.items()]
    asked = [_evaluation(name, "test", both[1], spreads[name]) for name, both in values.items()]
    costs = seconds or [100.0 / 10**place for place in range(len(values))]
    return board(rare(0)[0], asked, costs), held_out


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.floats(0.0, 0.05), st.floats(0.0, 0.05))
def test_words_never_contradict_a_printed_difference(seed: int, n: int, apart: float, noise: float) -> None:
    rng = np.random.default_rng(seed)
    names = [f"m{place}" for place in range(n)]
    middle = np.array([0.8, 0.1, 0.2])  # auc, log_loss, pr_auc
    values = {name: tuple(np.clip(middle + rng.normal(0, apart, 3), 0.01, 0.99) for _ in range(2)) for name in names}
    spreads = {name: rng.normal(0, noise, (60, 3)) for name in names}
    made, held_out = _boards(values, spreads, [float(one) for one in rng.exponential(10, n) + 0.1])
    found = verdict(made, held_out)
    by_name = {entry.name: entry.evaluation for entry in made.entries}
    worse: set[tuple[str, str]] = set()  # (who, than whom, clearly on the test part), by resamples
    better: set[tuple[str, str]] = set()
    for one in names:
        for metric, place in zip(METRICS, range(3), strict=True):
            moved = (by_name[found.chosen].figures.resampled - by_name[one].figures.resampled)[:, place]
            low, high = np.quantile(moved, [0.025, 0.975])
            sign = 1 if metric in LARGER_IS_BETTER else -1
            difference = by_name[found.chosen].value(metric) - by_name[one].value(metric)
            if (low > 0 or high < 0) and difference:
                (better if sign * difference > 0 else worse).add((one, HEADS[metric]))
    first = found.words[0]
    beaten_by = {one for one, _ in worse}
    if (as_good := re.search(r"as good as (\w+) on", first)) is not None:
        assert as_good[1] not in beaten_by
    if "better than all" in first:
        assert not worse
        assert found.equals == (found.chosen,)
    if "none is" in first:
        assert not worse
    assert not beaten_by & set(found.equals)
    said = {(one[1], one[2]) for words in found.words if (one := re.match(r"There (\w+) is better in (.+) by", words))}
    assert said == worse

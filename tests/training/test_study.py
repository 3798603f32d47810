"""The study: what it proposes is fixed by the seed and the trials before, and survives whatever ends the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from shopkeeper.errors import ArtifactError, ConfigError
from shopkeeper.search_space import Choice, Floats, Integers, Value
from shopkeeper.training.study import RANDOM_TRIALS, TRIALS_BEFORE_PRUNING, Study
from shopkeeper.training.trials import best_of, same_as

SPACE = {"rate": Floats(1e-4, 1.0, log=True), "size": Integers(1, 64), "kind": Choice(("a", "b", None))}
START: dict[str, Value] = {"rate": 0.5, "size": 8, "kind": "b"}


def opened(folder: Path, seed: int = 0, **changes: object) -> Study:
    return Study(folder / "study.db", SPACE, START, {"model": "X", **changes}, seed)


def score(values: dict[str, Value]) -> float:
    """Best at a rate of .01 and kind a; the size does nothing."""
    return -abs(float(f"{values['rate']:.3g}") - 0.01) - (values["kind"] != "a")


def walk(study: Study, n: int) -> list[dict[str, Value]]:
    asked = []
    for _ in range(n):
        trial = study.ask()
        trial.complete(score(trial.values), 0.1)
        asked.append(trial.values)
    return asked


def test_a_search_that_was_stopped_goes_on_as_one_that_was_not(tmp_path: Path) -> None:
    whole = walk(opened(tmp_path / "whole"), 10)
    parts = [*walk(opened(tmp_path / "parts"), 7), *walk(opened(tmp_path / "parts"), 3)]
    assert whole[0] == START
    assert parts == whole
    assert walk(opened(tmp_path / "other", seed=1), 3)[1:] != whole[1:3]


def test_a_trial_whose_process_was_killed_is_made_again_and_so_is_one_that_was_cut(tmp_path: Path) -> None:
    opened(tmp_path).ask()  # and the process dies
    study = opened(tmp_path)
    assert [(trial.state, trial.values) for trial in study.trials] == [("cut", START)]
    trial = study.ask()
    assert trial.values == START
    trial.end("cut", "the minutes were over", 3.0)
    assert opened(tmp_path).ask().values == START
    again = opened(tmp_path)
    states = [(trial.state, trial.reason) for trial in again.trials]
    assert states == [("cut", "the process ended"), ("cut", "the minutes were over"), ("cut", "the process ended")]
    walk(again, 2)  # who kills the process twice is not tried a third time
    assert [trial.values == START for trial in again.trials] == [True, True, True, False, False]


def test_another_search_in_the_same_file_is_refused(tmp_path: Path) -> None:
    walk(opened(tmp_path), 1)
    with pytest.raises(ConfigError, match="another folder") as refused:
        opened(tmp_path, model="Y")
    assert refused.value.got == "model"
    (tmp_path / "text").mkdir()
    (tmp_path / "text/study.db").write_text("not a database, " * 100)
    with pytest.raises(ArtifactError, match="cannot be opened"):
        opened(tmp_path / "text")


def test_what_ended_how_is_kept(tmp_path: Path) -> None:
    study = opened(tmp_path)
    for state in ("pruned", "failed"):
        trial = study.ask()
        trial.promising(1, 0.25)
        trial.end(state, f"was {state}", 2.0)
    walk(study, 2)
    found = opened(tmp_path).trials
    assert [trial.state for trial in found] == ["pruned", "failed", "complete", "complete"]
    assert (found[0].reason, found[0].seconds, found[0].score, found[0].curve) == ("was pruned", 2.0, None, {1: 0.25})
    assert best_of(found) in found[2:]
    assert same_as(found, found[3].values) is found[3]
    assert same_as(found, START) is None
    assert best_of(found[:2]) is None


def test_a_trial_below_the_median_of_others_is_not_promising(tmp_path: Path) -> None:
    study = opened(tmp_path)
    for place in range(TRIALS_BEFORE_PRUNING):
        trial = study.ask()
        assert trial.promising(1, 0.3 + place)
        trial.complete(0.3, 1.0)
    trial = study.ask()
    assert not trial.promising(1, 0.1)
    trial.end("pruned", "", 1.0)
    assert study.ask().promising(1, 5.0)


def test_the_setting_that_matters_is_found_to_matter(tmp_path: Path) -> None:
    study = opened(tmp_path)
    walk(study, RANDOM_TRIALS - 1)
    assert study.importances() == {}
    walk(study, 15)
    shares = study.importances()
    assert next(iter(shares)) == "kind"
    assert shares["size"] < 0.2
    assert sum(shares.values()) == pytest.approx(1.0)
    best = best_of(study.trials)
    assert best is not None
    assert best.values["kind"] == "a"

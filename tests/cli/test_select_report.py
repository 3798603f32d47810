"""`shopkeeper select --report`: the page about what was found."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "jobs"))  # the shop of those tests
from visits import prepared

for library in ("sklearn", "optuna", "altair", "vl_convert"):
    pytest.importorskip(library)


def test_the_page_speaks_of_the_chosen_one_at_the_costs_given(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    prepared(tmp_path / "data")
    sets = ("behavior.max_examples=1000", "behavior.evaluation.n_bootstrap=20", "behavior.report.cost_of_miss=4")
    words = [word for one in sets for word in ("--set", one)]
    page = tmp_path / "page.html"
    code, out, err = run(
        "select", tmp_path / "data", "--days", 2, "--trials", 1, "--models", "naive_bayes,logistic-regression", *words,
        "--out", tmp_path / "choice", "--report", page,
    )  # fmt: skip
    assert code == 0, err
    assert f"report in {page}" in out
    text = page.read_text(encoding="utf-8")
    assert "Take " in text
    assert "a miss 4" in text
    assert "act from a chance of 20.0" in text
    assert "shopkeeper select" in text
    assert "NaiveBayes" in text and "LogisticRegression" in text

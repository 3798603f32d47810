"""`shopkeeper select` as it is typed: what it prints, what it leaves, and how it refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "jobs"))  # the shop of those tests
from visits import prepared

pytest.importorskip("sklearn")
pytest.importorskip("optuna")
Run = Callable[..., tuple[int, str, str]]
QUICK = (
    "--days",
    2,
    "--trials",
    1,
    "--set",
    "behavior.max_examples=1000",
    "--set",
    "behavior.evaluation.n_bootstrap=20",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("visits") / "data"
    prepared(folder)
    return folder


def test_it_prints_a_leaderboard_and_what_to_take(run: Run, data: Path, tmp_path: Path) -> None:
    models = ("--models", "naive_bayes,logistic-regression")
    code, out, err = run("select", data, *QUICK, *models, "--out", tmp_path / "choice")
    assert code == 0, err
    assert "purchase within 2 days: test part" in out
    assert "AUC" in out and "ECE" in out and "fit s" in out
    assert "beside" in out
    assert "Take " in out
    assert "selecting, seconds" in err  # the bar
    left = {path.name for path in (tmp_path / "choice").iterdir()}
    assert left >= {"leaderboard.json", "best.toml", "predictor", "predictors", "studies"}


def test_a_file_of_settings_counts_where_no_flag_is_given(run: Run, data: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(
        '[behavior]\nmodels = ["NaiveBayes"]\n[behavior.examples]\ntarget = "cart"\ndays = 1.5\nhorizon = "days"\n'
    )
    words = ("select", data, *QUICK[2:], "--config", tmp_path / "shop.toml", "--quiet")
    code, out, err = run(*words, "--out", tmp_path / "of_file")
    assert code == 0, err
    assert "cart within 1.5 days: test part" in out
    _, out, _ = run(*words, "--days", 2, "--out", tmp_path / "of_flag")
    assert "cart within 2 days: test part" in out
    next_event = ("--set", "behavior.examples.horizon=next_event", "--out", tmp_path / "next")
    code, out, err = run(*words, *next_event)
    assert code == 0, err
    assert "cart as the next event: test part" in out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--target", "sale"], 2, "behavior.examples.target"),
        (["--models", "naive_bayse"], 2, "did you mean 'NaiveBayes'"),
        (["--target", "return"], 3, "no event of type return"),
        (["--target", "churn", "--given", "cart"], 2, "churn and amount"),
        (["--days", "30"], 3, "too short"),
        (["--set", "behavior.max_example=3"], 2, "max_examples"),
    ],
)
def test_mistakes_end_with_a_code_and_a_remedy(
    run: Run, data: Path, tmp_path: Path, words: list[str], code: int, says: str
) -> None:
    found, _, err = run("select", data, *QUICK[2:], *words, "--out", tmp_path / "choice")
    assert found == code, err
    assert says in err
    assert "Traceback" not in err


def test_help_has_examples(run: Run) -> None:
    code, out, _ = run("select", "--help")
    assert code == 0
    assert out.count("Example:") == 3

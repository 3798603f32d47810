"""`shopkeeper tune` as it is typed: what it prints, what it leaves, and how it refuses."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from shop import write_shop

Run = Callable[..., tuple[int, str, str]]
MAPPING = ("--map", "user_id=customer", "--map", "timestamp=time", "--event-type", "purchase")


@pytest.fixture
def data(run: Run, tmp_path: Path) -> Path:
    write_shop(tmp_path)
    source = (tmp_path / "events.csv", "--catalog", tmp_path / "items.csv", *MAPPING)
    assert run("prepare", *source, "--out", tmp_path / "data", "--quiet")[0] == 0
    return tmp_path / "data"


def test_it_prints_settings_that_train_takes_and_goes_on(run: Run, data: Path, tmp_path: Path) -> None:
    words = (
        "tune",
        data,
        "--model",
        "transitions",
        "--out",
        tmp_path / "search",
        "--set",
        "models.transitions.window=4",
    )
    code, out, err = run(*words, "--trials", 3)
    assert code == 0, err
    assert "3 trials" in out
    assert "0 (start)" in out
    assert "tuning Transitions" in err  # the bar
    assert "best" in err
    best = (tmp_path / "search/best.toml").read_text()
    assert best in out + "\n"
    assert tomllib.loads(best)["models"]["Transitions"]["window"] == 4
    code, out, _ = run(*words, "--trials", 2, "--quiet")
    assert "5 trials" in out
    assert {path.name for path in (tmp_path / "search").iterdir()} == {
        "study.db", "best.toml", "trials.csv", "tuning.html",
    }  # fmt: skip
    config = ("--config", tmp_path / "search/best.toml")
    assert run("train", data, "--model", "transitions", *config, "--out", tmp_path / "bundle", "--quiet")[0] == 0


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--model", "sasrek"], 2, "did you mean 'SASRec'"),
        (["--model", "recently_viewed"], 2, "nothing to tune"),
        (["--model", "ease", "--metric", "ndgc@10"], 2, "did you mean 'ndcg'"),
        (["--model", "ease", "--set", "models.ease.lambda=3"], 2, "regularization"),
        (["--model", "ease", "--minutes", "0"], 2, "--minutes"),
    ],
)
def test_mistakes_end_with_a_code_and_a_remedy(
    run: Run, data: Path, tmp_path: Path, words: list[str], code: int, says: str
) -> None:
    found, _, err = run("tune", data, "--out", tmp_path / "search", *words)
    assert found == code, err
    assert says in err
    assert "Traceback" not in err


def test_help_has_examples(run: Run) -> None:
    code, out, _ = run("tune", "--help")
    assert code == 0
    assert out.count("Example:") == 2

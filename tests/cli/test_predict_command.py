"""`shopkeeper predict` as it is typed: what it prints, what it writes, and how it refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

sys.path.append(str(Path(__file__).parents[1] / "jobs"))  # the shop of those tests
from visits import prepared

from shopkeeper.data.examples.make import make_examples
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.point_in_time.features import with_features
from shopkeeper.predictors.naive_bayes import NaiveBayes

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("visits")
    dataset = prepared(folder / "data")
    examples = make_examples(dataset, ExampleSettings(days=2, negatives=5))
    NaiveBayes().fit(with_features(dataset, examples)).save(folder / "model")
    return folder


def test_one_pair_with_reasons_in_words(run: Run, shop: Path) -> None:
    words = ("predict", shop / "data", "--predictor", shop / "model", "--user", "c1", "--item", "sku-003", "--explain")
    code, out, err = run(*words)
    assert code == 0, err
    assert "purchase within 2 days: " in out and " %" in out
    assert "item sku-003 (Thing 3), as of 2025-04-1" in out
    assert out.count("\n- ") == 5
    _, earlier, _ = run(*words, "--at", "2025-03-10")
    assert "as of 2025-03-10T00:00:00" in earlier
    _, new, _ = run("predict", shop / "data", "-p", shop / "model", "--user", "nobody", "--item", "sku-003")
    assert "does not know this shopper" in new


def test_all_and_a_file(run: Run, shop: Path, tmp_path: Path) -> None:
    words = ("predict", shop / "data", "--predictor", shop / "model", "--out", tmp_path / "out.parquet")
    code, out, err = run(*words, "--all", "--popular", 3)
    assert code == 0, err
    assert "active shoppers x 3 items" in out
    assert "predicting" in err  # the bar
    assert pq.read_table(tmp_path / "out.parquet").column_names == ["user_id", "item_id", "probability", "known"]
    (tmp_path / "items.txt").write_text("sku-004\n\nsku-005\n")
    code, out, _ = run(*words, "--all", "--items", tmp_path / "items.txt", "--quiet")
    assert "x 2 items" in out
    (tmp_path / "pairs.csv").write_text("user_id,item_id\nc1,sku-004\nc1,sku-999\nnobody,sku-004\n")
    code, out, _ = run(*words, "--pairs", tmp_path / "pairs.csv", "--quiet")
    assert code == 0
    assert "2 predictions" in out
    assert "1 rejected: is of an item that neither log nor catalog knows, the first is row 2" in out
    assert "1 of them are of shoppers that the log does not know" in out


def test_rows_of_a_file_from_beyond_the_moment_are_refused(run: Run, shop: Path, tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text(
        "user_id,item_id,timestamp\nc1,sku-004,2025-03-10\nc1,sku-004,2025-03-20\nc1,sku-004,2025-03-30\n"
    )
    words = (
        "predict", shop / "data", "--predictor", shop / "model", "--out", tmp_path / "out.parquet",
        "--pairs", tmp_path / "pairs.csv", "--quiet",
    )  # fmt: skip
    code, out, err = run(*words, "--at", "2025-03-15")
    assert code == 0, err
    assert "1 predictions" in out
    assert "2 rejected: has a time after the moment that is asked for (--at), the first is row 2" in out
    assert pq.read_table(tmp_path / "out.rejected.parquet").column("row").to_pylist() == [1, 2]
    code, out, err = run(*words, "--at", "2025-03-05")
    assert code == 3
    assert "no row of" in err and "3 rejected: has a time after the moment" in err
    assert pq.read_table(tmp_path / "out.rejected.parquet").num_rows == 3
    (tmp_path / "pairs.csv").write_text("user_id,item_id,timestamp\nc1,sku-004,2031-03-10\n")
    code, out, err = run(*words)
    assert code == 0, err
    assert "1 of them are of times after the end of the log" in out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ([], 2, "say what to predict"),
        (["--user", "c1", "--all"], 2, "2 of them"),
        (["--item", "sku-003"], 2, "--user ID"),
        (["--user", "c1"], 3, "name one with --item"),
        (["--user", "c1", "--item", "sku-999"], 6, "neither the log nor the catalog"),
        (["--all"], 2, "--out FILE.parquet"),
        (["--user", "c1", "--item", "sku-003", "--popular", "3"], 2, "go with --all"),
        (["--user", "c1", "--item", "sku-003", "--at", "soon"], 2, "is no moment"),
        (["--user", "c1", "--item", "sku-003", "--at", "2020-01-01"], 3, "give a later --at"),
    ],
)
def test_mistakes_end_with_a_code_and_a_remedy(run: Run, shop: Path, words: list[str], code: int, says: str) -> None:
    found, _, err = run("predict", shop / "data", "--predictor", shop / "model", *words)
    assert found == code, err
    assert says in err
    assert "Traceback" not in err


def test_a_folder_that_is_no_predictor_is_refused(run: Run, shop: Path) -> None:
    code, _, err = run("predict", shop / "data", "--predictor", shop / "data", "--user", "c1", "--item", "sku-003")
    assert code == 4
    assert "another kind" in err


def test_a_predictor_of_visits_answers_at_visits_alone(run: Run, shop: Path, tmp_path: Path) -> None:
    from shopkeeper.data.dataset import Dataset

    dataset = Dataset.open(shop / "data")
    examples = make_examples(dataset, ExampleSettings(days=2, negatives=5, moment="visit"))
    NaiveBayes().fit(with_features(dataset, examples)).save(tmp_path / "model")
    words = ("predict", shop / "data", "--predictor", tmp_path / "model", "--user", "c1", "--item", "sku-003")
    code, _, err = run(*words)
    assert code == 3 and "--moment any" in err and "Traceback" not in err
    code, out, err = run(*words, "--moment", "visit")
    assert code == 0, err
    assert "asked at a visit" in out
    code, _, err = run("predict", shop / "data", "-p", tmp_path / "model", "--all", "--out", tmp_path / "o.parquet")
    assert code == 3 and not (tmp_path / "o.parquet").exists()

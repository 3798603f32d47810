"""The session benchmark on a folder whose answer is known: everybody walks the same circle of items."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from shopkeeper.evaluation.evaluate import evaluate
from shopkeeper.recommenders.registry import recommender_class

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.session_data import load
from benchmarks.sessions import REPORTING, main

N_ITEMS, N_SESSIONS, N_TEST, LENGTH = 15, 100, 8, 5


def walk(start: int) -> list[int]:
    return [(start + step) % N_ITEMS + 101 for step in range(LENGTH)]


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "circle"
    folder.mkdir()
    starts = np.random.default_rng(0).integers(0, N_ITEMS, N_SESSIONS + N_TEST).tolist()
    lines = [" ".join(map(str, walk(start))) for start in starts[:N_SESSIONS]]
    (folder / "train_sessions.csv").write_text("\n".join(lines) + "\n")
    questions = [
        f"{' '.join(map(str, walk(start)[:end]))},{walk(start)[end]}"
        for start in starts[N_SESSIONS:]
        for end in range(LENGTH - 1, 0, -1)
    ]
    (folder / "test_prefix_target.csv").write_text("\n".join(questions) + "\n")
    return folder


@pytest.fixture
def run(folder, capsys):
    """Runs the benchmark; gives what it printed and what it wrote."""

    def run_(*flags: str) -> tuple[str, str, dict]:
        out = folder.parent / "out.json"
        main(["--data", str(folder), "--json", str(out), *flags])
        return *capsys.readouterr(), json.loads(out.read_text())

    return run_


def test_neighbors_know_the_circle_and_popularity_does_not(run):
    text, _, content = run("--models", "most-popular,stan", "--minutes", "0", "--refit")
    popular, stan = content["results"]
    assert stan["test"]["recall@5"]["value"] == 100.0, "at most four items of the question come before the next one"
    assert popular["test"]["recall@5"]["value"] < 60.0
    assert stan["fitted_on"] == "all training sessions"
    assert content["data"]["questions"] == N_TEST * (LENGTH - 1)
    assert content["data"]["test_sessions"] == N_TEST
    assert content["data"]["targets_in_the_question"] == 0.0
    assert content["data"]["validation_questions"] == 8 * (LENGTH - 1)
    assert "32 questions of 8 sessions, full ranking of 15 items" in text


def test_the_record_says_how_to_run_it_again_and_names_no_folder_of_the_machine(run, folder):
    _, _, content = run("--models", "vsknn", "--minutes", "0", "--config", "vsknn.neighbors=7")
    assert content["command"].startswith("python benchmarks/sessions.py --data circle --models vsknn")
    assert content["command"].endswith("--config vsknn.neighbors=7")
    assert set(content["data"]["sha256"]) == {"train_sessions.csv", "test_prefix_target.csv"}
    assert content["results"][0]["config"]["neighbors"] == 7
    assert content["results"][0]["fitted_on"] == "training sessions without validation"
    assert str(folder.parent) not in json.dumps(content)


def test_a_network_is_trained_with_each_seed_and_fitted_again_for_its_best_number_of_epochs(run):
    flags = ["--set", "epochs=2", "--set", "optimizer.learning_rate=0.01", "--config", "sasrec.embedding_size=8"]
    _, _, content = run("--models", "sasrec", "--seeds", "2", "--refit", *flags)
    (found,) = content["results"]
    assert found["seeds"] == [0, 1]
    assert 1 <= found["epochs"] <= 2
    assert found["config"]["embedding_size"] == 8
    assert 0 <= found["test"]["recall@5"]["low"] <= found["test"]["recall@5"]["value"] <= 100


def test_the_blend_mixes_the_rows_before_it_with_weights_from_validation(run):
    _, _, content = run("--models", "most-popular,stan,blend", "--minutes", "0", "--refit")
    popular, stan, blend = content["results"]
    assert blend["config"].keys() == {"most-popular", "stan"}
    assert sum(member["weight"] for member in blend["config"].values()) == pytest.approx(1)
    reached = [row["test"]["recall@5"]["value"] for row in (popular, stan, blend)]
    assert reached[0] < reached[1] == reached[2]
    assert blend["fitted_on"] == "all training sessions"


def test_settings_are_searched_on_validation_until_the_time_is_up(run):
    _, notes, content = run("--models", "stan", "--minutes", "0.02")
    (found,) = content["results"]
    assert 1 <= len(found["trials"]) < 60
    assert "P@20 100.00" in notes


def test_other_models_than_networks_need_no_epochs(run):
    _, _, content = run("--models", "transitions", "--minutes", "0")
    assert content["results"][0]["epochs"] is None


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "recall", "mrr"), [("stan", 0.51, 0.185), ("vsknn", 0.50, 0.18)])
def test_diginetica_validation_reaches_what_was_measured(shared_data, name, recall, mrr):
    parts = load(shared_data / "diginetica", 0.08)
    model = recommender_class(name)().fit(parts.train)
    asked = parts.validation.sample(8_000).holdout(parts.train.items)
    found = evaluate(model, asked, REPORTING, part="validation")
    assert found.value("recall", 20) > recall
    assert found.value("mrr", 20) > mrr

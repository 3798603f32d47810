"""Every command once, one after the other, on a small shop; and what each says when it is used wrongly."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from shop import write_shop
from shopkeeper.cli import main as command_line

Run = Callable[..., tuple[int, str, str]]
MAPPING = ("--map", "user_id=customer", "--map", "timestamp=time", "--event-type", "purchase")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the log, the feed, and what the commands made of them."""
    folder = tmp_path_factory.mktemp("shop")
    write_shop(folder)
    with pytest.MonkeyPatch.context() as patch:
        for words in (
            ["prepare", folder / "events.csv", "--catalog", folder / "items.csv", *MAPPING, "--out", folder / "data"],
            ["train", folder / "data", "--model", "transitions", "--out", folder / "bundle"],
        ):
            patch.setattr("sys.argv", ["shopkeeper", *map(str, words), "--quiet"])
            with pytest.raises(SystemExit) as stop:
                command_line.main()
            assert not stop.value.code
    return folder


def test_validate_prints_and_writes_the_report(run: Run, shop: Path, tmp_path: Path) -> None:
    files = ("--json", tmp_path / "found.json", "--html", tmp_path / "found.html")
    code, out, _ = run("validate", shop / "events.csv", "--catalog", shop / "items.csv", *MAPPING, *files)
    assert code == 0
    assert "800 rows" in out
    assert json.loads((tmp_path / "found.json").read_text())["overview"]["rows"] == 800
    assert "<html" in (tmp_path / "found.html").read_text()


def test_prepare_explains_and_keeps_what_it_rejects(run: Run, shop: Path, tmp_path: Path) -> None:
    log = (shop / "events.csv").read_text().splitlines()
    (tmp_path / "events.csv").write_text("\n".join([*log, log[1], ",sku-001,2025-03-02 10:00:00,1,2.0"]) + "\n")
    code, out, _ = run("prepare", tmp_path / "events.csv", *MAPPING, "--out", tmp_path / "data", "--quiet")
    assert code == 0
    assert "802 rows in, 800 kept" in out
    rejected = pq.read_table(tmp_path / "data" / "rejected.parquet")
    assert sorted(rejected["reason"].to_pylist()) == ["duplicate", "missing_user"]
    assert set(rejected["row"].to_pylist()) == {800, 801}


def test_train_tells_what_it_will_take_and_may_be_forced(
    run: Run, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("train", shop / "data", "--model", "transitions", "--out", tmp_path / "bundle", "--quiet")
    code, out, _ = run(*words)
    assert code == 0
    assert re.search(r"estimate: Transitions take about \d+ s, and 0\.\d\d GB of [\d.]+ GB free", out)
    monkeypatch.setattr("shopkeeper.jobs.estimate.memory", lambda: (1_000_000, 1_000_000))
    code, _, err = run(*words)
    assert code == 8
    assert "neighbors" in err
    assert run(*words, "--force")[0] == 0


def test_evaluate_puts_baselines_beside_the_bundle(run: Run, shop: Path, tmp_path: Path) -> None:
    code, out, _ = run("evaluate", shop / "bundle", "--data", shop / "data", "--json", tmp_path / "f.json", "--quiet")
    assert code == 0
    for word in ("Transitions", "MostPopular", "EASE", "full ranking", "paired"):
        assert word in out
    figures = json.loads((tmp_path / "f.json").read_text())
    value = {row["model"]: row["value"] for row in figures["rows"] if (row["metric"], row["k"]) == ("recall", 5)}
    assert value["Transitions"] > value["MostPopular"]


def test_recommend_for_a_shopper_a_history_and_an_item(run: Run, shop: Path) -> None:
    code, out, _ = run("recommend", shop / "bundle", "--user", "c3", "--k", 3)
    assert code == 0
    assert out.count("sku-") == 3
    assert "Thing" in out
    _, out, _ = run("recommend", shop / "bundle", "--history", "sku-001,sku-404", "--exclude", "sku-002", "--k", 4)
    assert "sku-002" not in out
    assert "ignored: sku-404" in out
    _, out, _ = run("recommend", shop / "bundle", "--user", "nobody", "--k", 2)
    assert "MostPopular" in out
    code, out, _ = run("recommend", shop / "bundle", "--similar-to", "sku-001", "--k", 2)
    assert code == 0
    assert out.count("sku-") == 3  # the two and the one in the title


def test_recommend_for_many_goes_to_parquet(run: Run, shop: Path, tmp_path: Path) -> None:
    assert run("recommend", shop / "bundle", "--all", "--out", tmp_path / "all.parquet", "--k", 4, "--quiet")[0] == 0
    everyone = pq.read_table(tmp_path / "all.parquet")
    assert everyone.num_rows == 80 * 4
    without = ("--all", "--exclude", "sku-001", "--out", tmp_path / "without.parquet", "--quiet")
    assert run("recommend", shop / "bundle", *without)[0] == 0
    assert "sku-001" in everyone["item_id"].to_pylist()
    assert "sku-001" not in pq.read_table(tmp_path / "without.parquet")["item_id"].to_pylist()
    assert set(everyone.column_names) == {"user_id", "rank", "item_id", "score", "source", "known"}
    (tmp_path / "users.txt").write_text("c1\n\nc7\n")
    file = ("--users-file", tmp_path / "users.txt", "--out", tmp_path / "some.parquet", "--k", 4)
    assert run("recommend", shop / "bundle", *file, "--quiet")[0] == 0
    some = pq.read_table(tmp_path / "some.parquet")
    assert some["user_id"].to_pylist() == ["c1"] * 4 + ["c7"] * 4
    rows = [row for row in everyone.to_pylist() if row["user_id"] in ("c1", "c7")]
    assert sorted(rows, key=lambda row: (row["user_id"], row["rank"])) == some.to_pylist()


def test_report_writes_one_page(run: Run, shop: Path, tmp_path: Path) -> None:
    code, _, _ = run("report", shop / "bundle", "--data", shop / "data", "--out", tmp_path / "r.html", "--quiet")
    assert code == 0
    page = (tmp_path / "r.html").read_text()
    assert "<svg" in page
    assert "Transitions" in page
    assert "<b>&</b> co" not in page  # titles are escaped


def test_report_shows_the_goods_where_features_are_given(run: Run, shop: Path, tmp_path: Path) -> None:
    Image.new("RGB", (30, 30), "red").save(tmp_path / "sku-001.png")
    page = tmp_path / "r.html"
    words = ("report", shop / "bundle", "--data", shop / "data", "--baselines", "", "--out", page, "--quiet")
    code, _, err = run(*words, "--features", tmp_path / "store")
    assert code == 4 and "has no feature" in err
    assert run("features", shop / "data", "--text", "static", "--out", tmp_path / "store", "--quiet")[0] == 0
    assert run(*words, "--features", tmp_path / "store")[0] == 0
    said = page.read_text()
    assert "text-static" in said and "<circle" in said and "by text" in said
    code, _, err = run(*words, "--features", tmp_path / "store", "--images", tmp_path)
    assert code == 3 and "no column 'image'" in err


def test_demo_runs_the_whole_line_on_ones_own_log(run: Run, shop: Path, tmp_path: Path) -> None:
    source = ("--events", shop / "events.csv", "--catalog", shop / "items.csv", *MAPPING)
    words = (*source, "--models", "MostPopular,Transitions,SASRec", "--set", "training.epochs=3")
    code, out, err = run("demo", *words, "--out", tmp_path / "out", "--quiet", "--no-serve")
    assert code == 0, err
    assert "chosen on the validation part" in out
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"dataset", "bundle", "validation.json", "validation.html", "leaderboard.json", "report.html"}
    code, out, _ = run("recommend", tmp_path / "out" / "bundle", "--user", "c3")
    assert code == 0


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["train", "{shop}/data", "--model", "sasrek"], 2, "did you mean 'SASRec'"),
        (["train", "{shop}/data", "--model", "ease", "--set", "models.ease.lambda=3"], 2, "regularization"),
        (["train", "{shop}/data", "--model", "ease", "--set", "training.epochs=0"], 2, "training.epochs"),
        (["train", "{shop}/data", "--model", "ease", "--set", "prepare.split.test_share=0.3"], 2, "prepare it again"),
        (["train", "{shop}/nothing", "--model", "ease"], 4, "no artifact"),
        (["train", "{shop}/data", "--model", "bpr", "--set", "models.bpr.factors=10000000000"], 8, "--force"),
        (["train", "{shop}/data", "--model", "sasrec", "--set", "models.sasrec.embedding_size=1000000"], 8, "GB"),
        (["evaluate", "{shop}/data", "--data", "{shop}/data"], 4, "another kind"),
        (["recommend", "{shop}/bundle"], 2, "--user"),
        (["recommend", "{shop}/bundle", "--similar-to", "sku-404"], 6, "unknown"),
        (["recommend", "{shop}/bundle", "--all"], 2, "--out"),
        (["prepare", "{shop}/events.csv"], 3, "--map event_type"),
        (["validate", "{shop}/no.csv", "--event-type", "purchase"], 3, "no.csv"),
        (["validate", "{shop}/events.csv", "--event-type", "buyy"], 2, "event_type"),
        (["report", "{shop}/bundle", "--data", "{shop}/data", "--validation", "{shop}/items.csv"], 3, "--json"),
    ],
)
def test_mistakes_end_with_a_code_and_a_remedy(run: Run, shop: Path, words: list[str], code: int, says: str) -> None:
    found, _, err = run(*(word.format(shop=shop) for word in words))
    assert found == code, err
    assert says in err
    assert "Traceback" not in err


def test_every_command_shows_an_example_in_its_help(run: Run) -> None:
    for command in ("validate", "prepare", "train", "evaluate", "recommend", "report", "demo"):
        code, out, _ = run(command, "--help")
        assert code == 0
        assert "Example" in out, command


def test_running_twice_in_one_process_registers_the_commands_once(run: Run) -> None:
    assert run("doctor", "--help")[0] == 0
    before = len(command_line.app.registered_commands)
    assert run("doctor", "--help")[0] == 0
    assert len(command_line.app.registered_commands) == before > 10

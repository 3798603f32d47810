"""`shopkeeper retrain`: promoted or refused, in words and by the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shop import write_shop
from shopkeeper.cli import main as command_line
from shopkeeper.data.schema import EventType
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.serving.event_store.records import IdKinds, ShopEvent
from shopkeeper.serving.event_store.store import EventStore

MAPPING = ("--map", "user_id=customer", "--map", "timestamp=time", "--event-type", "purchase")
APRIL = 1_744_000_000_000_000
DAY = 86_400_000_000


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    write_shop(folder)
    events, items = folder / "events.csv", folder / "items.csv"
    for words in (
        ["prepare", events, "--catalog", items, *MAPPING, "--out", folder / "data", "--quiet"],
        ["train", folder / "data", "--model", "transitions", "--out", folder / "bundle", "--quiet"],
    ):
        assert run_command(words) == 0
    store = EventStore.open(folder / "shop.db", IdKinds(user_integer=False, item_integer=False))
    store.add(
        [
            ShopEvent(
                f"{user}-{step}", f"c{user}", f"sku-{user % 2 * 6 + (user + step) % 6:03d}", EventType.PURCHASE,
                APRIL + (user % 20 + step) * DAY,
            )
            for user in range(120)
            for step in range(10)
        ]
    )  # fmt: skip
    store.close()
    return folder


def run_command(words: list[object]) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        patch.setattr("sys.argv", ["shopkeeper", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            command_line.main()
    return int(stop.value.code or 0)


def test_a_new_bundle_is_promoted(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["retrain", shop / "bundle", "--database", shop / "shop.db", "--out", tmp_path / "new", "--quiet"]
    code = run_command([*words, "--work", tmp_path / "work", "--set", "retrain.k=1"])
    text = capsys.readouterr().out
    assert code == 0, text
    assert "promoted: the new bundle, fitted on the whole log, is in" in text
    assert "new events of known items" in text
    assert json.loads((tmp_path / "work" / "retrain.json").read_text())["promoted"]
    assert Bundle.load(tmp_path / "new").card.data["events"] == 2000


def test_the_log_and_its_reading_options_are_taken(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["retrain", shop / "bundle", "--database", shop / "shop.db", "--out", tmp_path / "new", "--quiet"]
    log = ["--log", shop / "events.csv", *MAPPING, "--catalog", shop / "items.csv", "--work", tmp_path / "work"]
    code = run_command([*words, *log, "--set", "retrain.k=1"])
    assert code == 0, capsys.readouterr().out
    assert json.loads((tmp_path / "work" / "retrain.json").read_text())["log"]["earlier"] == 800


def test_a_refusal_ends_with_one_and_says_why(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (shop / "bundle" / "manifest.json").read_bytes()
    words = ["retrain", shop / "bundle", "--database", shop / "shop.db", "--work", tmp_path / "work", "--quiet"]
    code = run_command([*words, "--set", "retrain.min_new_events=100000"])
    text = capsys.readouterr().out
    assert code == 1
    assert "not promoted: new events" in text
    assert "FAILED" in text
    assert (shop / "bundle" / "manifest.json").read_bytes() == before


def test_settings_that_do_not_exist_are_refused(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run_command(["retrain", shop / "bundle", "--database", shop / "shop.db", "--set", "retrain.min_new=1"])
    assert code == 2
    assert "min_new_events" in capsys.readouterr().err

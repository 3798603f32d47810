"""`shopkeeper events`: export, stats, forget."""

from __future__ import annotations

import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from shopkeeper.cli import main as command_line
from shopkeeper.data.schema import EventType
from shopkeeper.serving.event_store.records import AnswerRecord, IdKinds, ShopEvent
from shopkeeper.serving.event_store.store import EventStore


@pytest.fixture
def database(tmp_path: Path) -> Path:
    store = EventStore.open(tmp_path / "shop.db", IdKinds(user_integer=True, item_integer=False))
    kinds = [EventType.VIEW, EventType.VIEW, EventType.PURCHASE]
    store.add([ShopEvent(f"e{place}", place % 2, "tea", kind, 10**15 + place) for place, kind in enumerate(kinds)])
    store.close()
    return tmp_path / "shop.db"


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: object) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["shopkeeper", "events", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        command_line.main()
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def test_the_store_becomes_a_log(
    database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "events.parquet"
    code, text, _ = run(capsys, monkeypatch, "export", "--database", database, "--out", out, "--quiet")
    assert code == 0
    assert "3 events" in text
    assert "sha256" in text
    assert pq.read_table(out).num_rows == 3


def test_stats_count_and_the_environment_names_the_database(
    database: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPKEEPER_DATABASE", str(database))
    code, text, _ = run(capsys, monkeypatch, "stats")
    assert code == 0
    rows = {
        row[0].strip(): row[1].strip() for line in text.splitlines() if len(row := line.strip("│ ").split("│")) == 2
    }
    assert (rows["events"], rows["view"], rows["purchase"], rows["shoppers"], rows["items"]) == (
        "3",
        "2",
        "1",
        "2",
        "1",
    )
    assert rows["from"].startswith("2001-09-09")


def test_a_shopper_is_forgotten(
    database: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "deleted 2 events" in run(capsys, monkeypatch, "forget", "0", "--database", database)[1]
    store = EventStore.open(database)
    assert [stored.event.user_id for stored in store.after(0, 10)] == [1]
    store.close()
    code, _, err = run(capsys, monkeypatch, "forget", "ann", "--database", database)
    assert code == 3
    assert "integers" in err


def test_old_answers_are_pruned(
    database: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = int(time.time() * 1e6)
    ages = {"old": 40, "young": 1}
    store = EventStore.open(database)
    store.add_answers(
        [AnswerRecord(name, 1, now - age * 86_400_000_000, None, "EASE", ("tea",), ("EASE",), 0)
         for name, age in ages.items()]
    )  # fmt: skip
    store.close()
    assert "deleted 1 recorded" in run(capsys, monkeypatch, "prune", "--database", database, "--days", 30)[1]
    assert "deleted 0 recorded" in run(capsys, monkeypatch, "prune", "--database", database, "--days", 30)[1]


def test_a_database_that_is_not_there_is_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = run(capsys, monkeypatch, "stats", "--database", tmp_path / "typo.db")
    assert code == 10
    assert "no event store" in err
    assert not (tmp_path / "typo.db").exists()

"""The crash benchmark runs, and would notice an event that is missing or there twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.crash import Outcome, compared
from benchmarks.crash_client import Ledger

from shopkeeper.data.schema import EventType
from shopkeeper.serving.event_store.records import IdKinds, ShopEvent
from shopkeeper.serving.event_store.store import EventStore

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "crash.py"


@pytest.mark.slow
def test_two_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    command = [sys.executable, SCRIPT, "--kills", "2", "--databases", "sqlite", "--json", tmp_path / "out.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (found,) = json.loads((tmp_path / "out.json").read_text())["results"]
    assert found["kills"] == 2
    assert found["acknowledged"] > 0
    assert (found["missing"], found["doubled"], found["unseen"]) == (0, 0, 0)
    assert "SQLite" in done.stdout


def test_what_is_missing_or_doubled_is_counted(tmp_path: Path) -> None:
    store = EventStore.open(tmp_path / "shop.db", IdKinds(user_integer=False, item_integer=False))
    same = ShopEvent("0-1", "shopper", "item", EventType.VIEW, 10**15)
    store.add([same, same._replace(event_id="0-2"), same._replace(event_id="0-3", timestamp=1)])
    store.close()
    ledger = Ledger(tmp_path / "ledger.txt")
    ledger.write(["0-1", "0-2"])
    ledger.write(["0-3", "0-4", "0-5"])
    nothing = Outcome("SQLite", 1, len(ledger), 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0.0)
    found = compared(str(tmp_path / "shop.db"), ledger, nothing)
    assert (found.stored, found.missing, found.doubled) == (3, 2, 1)
    assert not found.good

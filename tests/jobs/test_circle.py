"""The circle closes: a habit begins, the store becomes a log, the served bundle is replaced, answers change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from trends import AFTER, BEFORE, USUAL, habit_events, make_bundle_of_shop

sys.path.append(str(Path(__file__).parents[1] / "serving"))
from server import Server, running_server

from waiting import until

BATCH = 500


def first_after(server: Server, item_id: str) -> str:
    answer = server.client.post("/recommendations", json={"history": [item_id], "k": 1}).json()
    return str(answer["items"][0]["item_id"])


@pytest.mark.slow
def test_a_habit_of_shoppers_changes_what_the_running_service_recommends(tmp_path: Path) -> None:
    make_bundle_of_shop(tmp_path)
    with running_server(tmp_path / "bundle", tmp_path / "shop.db") as server:
        assert first_after(server, BEFORE) == USUAL
        events = [
            {"event_id": one.event_id, "user_id": one.user_id, "item_id": one.item_id,
             "event_type": one.event_type.value, "timestamp": one.timestamp / 1e6}
            for one in habit_events()
        ]  # fmt: skip
        for start in range(0, len(events), BATCH):
            answer = server.client.post("/events", json=events[start : start + BATCH])
            assert answer.json()["duplicates"] == 0
        command = [sys.executable, "-m", "shopkeeper.cli.main", "retrain", tmp_path / "bundle", "--quiet"]
        done = subprocess.run(
            [*command, "--database", tmp_path / "shop.db"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        until(lambda: first_after(server, BEFORE) == AFTER)
        seen = server.client.get("/users/c7", params={"limit": 100}).json()["events"]
        assert len(seen) == 20  # ten of the log and ten of the store, none of them twice

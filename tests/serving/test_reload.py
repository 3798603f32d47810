"""A new bundle is taken over under load without a failed request; a bad one is refused and the old one answers on."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from load import hammering
from server import Server, running_server, shop_bundle

from shopkeeper.pipeline.bundle import Bundle
from waiting import until

OFTEN = ("--set", "service.reload_seconds=0.1")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Bundle]:
    """Three bundles of the same shop, of more and more shoppers."""
    folder = tmp_path_factory.mktemp("bundles")
    return [Bundle.load(shop_bundle(folder / str(n), n_users=n), mapped=False) for n in (40, 50, 60)]


def users(server: Server) -> int:
    return int(server.client.get("/readyz").json()["bundle"]["users"])


def refused(server: Server) -> dict[str, Any] | None:
    found: dict[str, Any] | None = server.client.get("/readyz").json()["refused"]
    return found


def truncate(folder: Path) -> None:
    """Cuts every large file of a bundle short, in place."""
    for file in folder.rglob("*"):
        if file.is_file() and file.name != "manifest.json":
            with file.open("r+b") as stream:
                stream.truncate(file.stat().st_size // 2)


def test_bundles_replace_each_other_under_load(bundles: list[Bundle], tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    bundles[0].save(folder)
    with running_server(folder, tmp_path / "shop.db", *OFTEN) as server, hammering(server.address) as tally:
        until(lambda: tally.answers > 100)
        for n, bundle in ((50, bundles[1]), (60, bundles[2])):
            bundle.save(folder)
            until(lambda n=n: users(server) == n)
            until(lambda seen=tally.answers: tally.answers > seen + 100)
        truncate(folder)
        problem = until(lambda: refused(server))
        assert "truncated" in problem["problem"]
        assert "/" not in problem["problem"], "who asks for readiness needs no key"
        until(lambda seen=tally.answers: tally.answers > seen + 100)
        assert users(server) == 60
        for n, bundle in ((40, bundles[0]), (50, bundles[1])):
            bundle.save(folder)
            until(lambda n=n: users(server) == n and refused(server) is None)
        until(lambda seen=tally.answers: tally.answers > seen + 100)
        events = {event for line in (server.client.get("/metrics").text,) for event in line.splitlines()}
        taken = [line for line in server.logs() if line["message"] == "a new bundle is taken over"]
    assert len(taken) == 4
    assert all(line["bundle"] != line["before"] for line in taken)
    assert {line["bundle"] for line in taken} <= set(tally.bundles)
    assert tally.failures == []
    assert set(tally.statuses) == {200}
    assert len(tally.bundles) == 3
    assert 'shopkeeper_bundles_total{outcome="loaded"} 4.0' in events
    assert 'shopkeeper_bundles_total{outcome="refused"} 1.0' in events


def test_no_event_is_lost_by_a_swap(bundles: list[Bundle], tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    bundles[0].save(folder)
    with running_server(folder, tmp_path / "shop.db", *OFTEN, "--set", "service.tail_seconds=60") as server:
        for step in range(60):
            if step in (10, 30):
                bundles[1 + step // 30].save(folder)
            server.post_event(f"u{step}", "sku-002")
            assert server.recommend(f"u{step}", k=1)["items"][0]["item_id"] == "sku-003"
            time.sleep(0.02)
        until(lambda: users(server) == 60)
        for step in range(60):
            assert server.client.get(f"/users/u{step}").json()["events"][0]["item_id"] == "sku-002"


def test_a_bundle_that_is_copied_file_by_file_is_taken_when_it_is_whole(bundles: list[Bundle], tmp_path: Path) -> None:
    folder, other = tmp_path / "bundle", tmp_path / "other"
    bundles[0].save(folder)
    bundles[1].save(other)
    with running_server(folder, tmp_path / "shop.db", *OFTEN) as server:
        for file in sorted(path for path in other.rglob("*") if path.is_file()):
            shutil.copyfile(file, folder / file.relative_to(other))
            time.sleep(0.15)
            assert server.recommend("c1")["items"]
        until(lambda: users(server) == 50 and refused(server) is None)


def test_a_bundle_with_other_ids_is_refused(bundles: list[Bundle], tmp_path: Path) -> None:
    import pyarrow as pa
    from server import log_bundle

    folder = tmp_path / "bundle"
    bundles[0].save(folder)
    rows = 40
    numbers = {"user_id": [n % 8 for n in range(rows)], "item_id": [n % 5 for n in range(rows)]}
    log = pa.table(numbers | {"timestamp": [1_740_000_000 + n for n in range(rows)], "event_type": ["view"] * rows})
    with running_server(folder, tmp_path / "shop.db", *OFTEN) as server:
        log_bundle(tmp_path / "numbers", log)
        Bundle.load(tmp_path / "numbers").save(folder)
        assert "another kind" in until(lambda: refused(server))["problem"]
        assert server.recommend("c1")["source"] == "Transitions"


def test_a_bundle_that_is_away_is_no_bundle(bundles: list[Bundle], tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    bundles[0].save(folder)
    with running_server(folder, tmp_path / "shop.db", *OFTEN) as server:
        shutil.rmtree(folder)
        time.sleep(0.4)
        assert server.recommend("c1")["source"] == "Transitions"
        bundles[1].save(folder)
        until(lambda: users(server) == 50)

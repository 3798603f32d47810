"""Whether a worker can answer: what `/readyz` says of a disk that takes nothing more, and of workers that differ."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from shopkeeper.errors import StoreError
from shopkeeper.serving.agreement import WorkerBundles
from shopkeeper.serving.app import create_app
from shopkeeper.serving.reload import without_paths
from shopkeeper.serving.routes import health
from shopkeeper.serving.settings import ServiceSettings

EVENT = {"user_id": "c1", "item_id": "sku-001", "event_type": "view"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 9 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=9m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_takes_nothing_is_not_ready(
    bundle: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "WRITE_SECONDS", 0.0)
    settings = ServiceSettings(database=str(small_disk / "shop.db"), access_log=False, record_seconds=60)
    with TestClient(create_app(bundle, settings), "http://localhost") as client:
        assert client.get("/readyz").json()["store"] == "ok"
        filler = small_disk / "filler"
        with pytest.raises(OSError, match="No space"), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        events = [EVENT | {"session_id": "x" * 100}] * 400
        assert client.post("/events", json=events).status_code == 503
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["ready"], answer.json()["store"]) == (503, False, "unwritable")
        assert str(small_disk) not in answer.text
        filler.unlink()
        assert client.get("/readyz").status_code == 200
        assert client.post("/events", json=EVENT).status_code == 200


def test_readiness_writes_once_in_a_while() -> None:
    tries: list[int] = []

    def refuse() -> None:
        tries.append(1)
        raise StoreError("no")

    probe = health.WriteProbe(refuse)
    for _ in range(20):
        with pytest.raises(StoreError):
            probe.check()
    assert len(tries) == 1


def test_workers_that_differ_are_seen(tmp_path: Path) -> None:
    here, there = WorkerBundles(tmp_path, str(os.getpid())), WorkerBundles(tmp_path, str(os.getppid()))
    here.put("old")
    there.put("old")
    assert set(here.all().values()) == {"old"}
    there.put("new")
    assert here.all() == {str(os.getpid()): "old", str(os.getppid()): "new"} == there.all()
    WorkerBundles(tmp_path, "4194305").put("gone")  # above the highest process id
    assert len(here.all()) == 2
    alone = WorkerBundles(None, "1")
    alone.put("one")
    assert alone.all() == {"1": "one"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the bundle at /srv/shop/bundle is truncated", "the bundle at bundle is truncated"),
        ("OSError: no such file: '/a/b c/d.npy'", "OSError: no such file: 'b c/d.npy'"),
        ("5 and/or 6", "5 and/or 6"),
        ("(/home/x/y)", "(y)"),
    ],
)  # fmt: skip
def test_paths_are_left_out(text: str, said: str) -> None:
    assert without_paths(text) == said

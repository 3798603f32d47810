"""`shopkeeper serve` says in plain words why it cannot start, and where it answers when it does."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent / "serving"))

from server import running_server, shop_bundle, start

from waiting import A_LONG_TIME


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop_bundle(tmp_path_factory.mktemp("bundle") / "bundle")


def said(bundle: Path, *arguments: str) -> tuple[int, str]:
    process = start(bundle, *arguments)
    try:
        out, _ = process.communicate(timeout=A_LONG_TIME)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert "Traceback" not in out, out
    return process.returncode, out


def test_it_says_where_it_answers_and_stands_beside_the_bundle(bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(bundle, tmp_path / "bundle")
    with running_server(tmp_path / "bundle", None, env={"SHOPKEEPER_DATABASE": ""}) as server:
        assert server.address.startswith("http://127.0.0.1:")
        assert server.stop() == 0
    assert (tmp_path / "shop.db").exists()


def test_the_environment_names_the_database_and_a_flag_goes_before(bundle: Path, tmp_path: Path) -> None:
    env = {"SHOPKEEPER_DATABASE": str(tmp_path / "environment.db")}
    for database, file in ((tmp_path / "flag.db", "flag.db"), (None, "environment.db")):
        with running_server(bundle, database, env=env):
            assert (tmp_path / file).exists()
    assert sorted(path.name for path in tmp_path.glob("*.db")) == ["environment.db", "flag.db"]


def test_no_bundle(tmp_path: Path) -> None:
    code, out = said(tmp_path / "nowhere", "--port", "0")
    assert code == 4
    assert out.startswith("error: there is no artifact at")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_damaged_bundle(bundle: Path, tmp_path: Path, workers: str) -> None:
    shutil.copytree(bundle, tmp_path / "bundle")
    next((tmp_path / "bundle").rglob("*.npy")).write_bytes(b"short")
    code, out = said(tmp_path / "bundle", "--port", "0", "--workers", workers)
    assert code == 4
    assert "is truncated or changed" in out


def test_a_port_that_is_taken(bundle: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, out = said(bundle, "--port", port, "--database", str(tmp_path / "shop.db"))
    assert code == 8
    assert f"cannot listen on 127.0.0.1, port {port}" in out
    assert "another --port" in out


def test_an_address_of_another_machine(bundle: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.txt"
    keys.write_text("a-key-of-some-length\n")
    there = ("--host", "192.0.2.1", "--database", str(tmp_path / "shop.db"))
    code, out = said(bundle, *there)
    assert code == 2, "without keys only this machine is served"
    code, out = said(bundle, *there, "--api-key-file", str(keys))
    assert code == 8
    assert "cannot listen on 192.0.2.1" in out


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_database_out_of_reach(bundle: Path, workers: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"postgresql://nobody:secret@127.0.0.1:{probe.getsockname()[1]}/shop"
    code, out = said(bundle, "--port", "0", "--database", address, "--workers", workers)
    assert code == 10
    assert "the event store postgresql://nobody:***@127.0.0.1" in out
    assert "secret" not in out


def test_a_database_of_another_shop_with_two_workers(bundle: Path, tmp_path: Path) -> None:
    from shopkeeper.serving.event_store.records import IdKinds
    from shopkeeper.serving.event_store.store import EventStore

    EventStore.open(tmp_path / "shop.db", IdKinds(True, True)).close()
    for workers, expected in (("1", 10), ("2", 1)):
        code, out = said(bundle, "--port", "0", "--database", str(tmp_path / "shop.db"), "--workers", workers)
        assert code == expected
        assert "holds other kinds of ids" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--database", "mysql://localhost/shop"], "the event store cannot be kept in 'mysql'"),
        (["--api-key-file", "/nowhere/keys"], "the API keys in /nowhere/keys cannot be read"),
        (["--set", "service.max_q=5"], "unknown setting 'service.max_q'"),
        (["--set", "service.port=70000"], "setting 'service.port'"),
        (["--workers", "0"], "greater than or equal to 1"),
    ],
)
def test_wrong_settings(bundle: Path, arguments: list[str], words: str) -> None:
    code, out = said(bundle, "--port", "0", *arguments)
    assert code == 2
    assert words in " ".join(out.split())

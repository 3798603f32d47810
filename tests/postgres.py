"""A PostgreSQL server for tests: the one in SHOPKEEPER_TEST_POSTGRES, or one started from binaries on the machine.

`database()` gives the address of a fresh, empty database on it, or skips the test and says why.
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from functools import cache
from pathlib import Path

import pytest

VARIABLE = "SHOPKEEPER_TEST_POSTGRES"


def database() -> str:
    """Address of a fresh database, ``postgresql://...``."""
    server = _server()
    if server is None:
        pytest.skip(f"needs a PostgreSQL server: set {VARIABLE} to its address, or install its binaries")
    import psycopg

    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return f"{server.rsplit('/', 1)[0]}/{name}"


@cache
def _server() -> str | None:
    given = os.environ.get(VARIABLE)
    if given:
        return given
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    binaries = found[-1].parent if found else Path(on_path).parent if on_path else None
    return None if binaries is None else _start(binaries)


def _start(binaries: Path) -> str:
    folder = Path(tempfile.mkdtemp(prefix="shopkeeper-postgres-"))
    user = {"user": "postgres"} if os.geteuid() == 0 else {}  # the server refuses to run as root
    if user:
        shutil.chown(folder, "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = folder / "data"
    create = [binaries / "initdb", "-D", data, "-U", "shopkeeper", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(create, check=True, capture_output=True, cwd="/", **user)
    control = [binaries / "pg_ctl", "-D", data]
    options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"
    start = [*control, "-l", folder / "log", "-w", "start", "-o", options]
    subprocess.run(start, check=True, stdout=subprocess.DEVNULL, cwd="/", **user)
    stop = [*control, "-m", "immediate", "stop"]
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(subprocess.run, stop, check=False, capture_output=True, cwd="/", **user)
    return f"postgresql://shopkeeper@127.0.0.1:{port}/postgres"

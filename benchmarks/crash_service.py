"""The service that is killed: a process group on the loopback address, and the small bundle that it serves."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

import numpy as np

from shopkeeper.config import build
from shopkeeper.data.events import Events
from shopkeeper.data.prepare import PrepareSettings, prepare
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.jobs.train import train

N_ITEMS: Final = 200
PATIENCE: Final = 60
"""Seconds that a start may take."""
ADDRESS: Final = re.compile(r"answers at http://127\.0\.0\.1:(\d+)")


def make_bundle(folder: Path) -> Path:
    """A bundle of transitions over shoppers who walk a circle of items; ids are text."""
    import pyarrow as pa

    n_users, length = 300, 12
    users = np.repeat(np.arange(n_users), length)
    step = np.tile(np.arange(length), n_users)
    log = pa.table(
        {
            "user_id": np.char.add("known-", users.astype(str)),
            "item_id": np.char.add("item-", ((users + step) % N_ITEMS).astype(str)),
            "event_type": ["view"] * len(users),
            "timestamp": 1_700_000_000_000_000 + (users % 50 + step * 50) * 60_000_000,
        }
    )
    with tempfile.TemporaryDirectory() as data:
        dataset = prepare(Events.read(log), None, PrepareSettings(), Path(data) / "data")
        train(dataset, "transitions", build(ShopSettings, {})).bundle.save(folder)
    return folder


class Service:
    """Starts, kills and starts `shopkeeper serve` again.

    Args:
        bundle: Folder of the bundle.
        database: Address of the event store.
        workers: Worker processes.
        log: File that its output goes to.
    """

    def __init__(self, bundle: Path, database: str, workers: int, log: Path) -> None:
        self._command = [
            sys.executable, "-m", "shopkeeper.cli.main", "serve", str(bundle), "--port", "0", "--database", database,
            "--workers", str(workers), "--set", "service.access_log=false",
        ]  # fmt: skip
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._running = threading.Event()
        self._port = 0

    def start(self) -> float:
        """Starts it and waits for the first good answer; gives the seconds."""
        begin = time.perf_counter()
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                self._command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        while not (found := ADDRESS.search(self._log.read_text())) or not _ready(int(found[1])):
            if self._process.poll() is not None or time.perf_counter() - begin > PATIENCE:
                raise RuntimeError(f"the service did not start:\n{self._log.read_text()}")
            time.sleep(0.02)
        self._port = int(found[1])
        self._running.set()
        return time.perf_counter() - begin

    def kill(self) -> None:
        """Kills it and all its workers at once."""
        self._running.clear()
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        """Ends it for good."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def connect(self, patience: float = PATIENCE) -> HTTPConnection:
        """A connection to it, as soon as it runs."""
        if not self._running.wait(patience):
            raise RuntimeError("the service does not run")
        return HTTPConnection("127.0.0.1", self._port, timeout=30)


def _ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()

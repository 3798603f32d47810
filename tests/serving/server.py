"""A small shop's bundle, and a real server that answers from it: a process of its own on a free port.

with running_server(shop_bundle(tmp_path / "bundle"), tmp_path / "shop.db") as server:
    server.client.post("/recommendations", json={"user_id": "c7"})
"""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa

from shop import shop_tables
from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog, CatalogSettings
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.events import Events, EventsSettings
from shopkeeper.data.prepare import PrepareSettings, prepare
from shopkeeper.data.schema import EventType
from shopkeeper.jobs.settings import ShopSettings
from shopkeeper.jobs.train import train
from shopkeeper.pipeline.bundle import Bundle
from waiting import A_LONG_TIME, until

STARTED = re.compile(r"Shopkeeper answers at (http://\S+)")
SASREC = {"embedding_size": 16, "n_layers": 1, "n_heads": 1, "max_length": 20}


def shop_dataset(folder: Path, **shop: int) -> Dataset:
    """The prepared log of `tests.shop`; ids are text: c0, c1 ... and sku-000, sku-001 ..."""
    events, catalog = shop_tables(**shop)
    names = {"user_id": "customer", "item_id": "sku", "timestamp": "time", "quantity": "qty", "price": "unit_price"}
    log = Events.read(events, EventsSettings(columns=names, event_type=EventType.PURCHASE))
    feed = Catalog.read(catalog, CatalogSettings(columns={"item_id": "sku"}))
    return prepare(log, feed, PrepareSettings(), folder)


def shop_bundle(folder: Path, model: str = "transitions", epochs: int = 2, **shop: int) -> Path:
    """A bundle of that shop of one's own, trained once: shoppers of each half of the catalog walk it in order."""
    shutil.copytree(_trained(model, epochs, tuple(sorted(shop.items()))), folder)
    return folder


@cache
def _trained(model: str, epochs: int, shop: tuple[tuple[str, int], ...]) -> Path:
    """Lives as long as this process."""
    home = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    training = {"epochs": epochs, "device": "cpu"}
    settings = build(ShopSettings, {"training": training, "models": {"sasrec": SASREC}})
    train(shop_dataset(home / "data", **dict(shop)), model, settings).bundle.save(home / "bundle")
    return home / "bundle"


def log_bundle(folder: Path, log: pa.Table, model: str = "transitions", settings: ShopSettings | None = None) -> Path:
    """Trains a bundle on a log with our column names."""
    with tempfile.TemporaryDirectory() as data:
        dataset = prepare(Events.read(log), None, PrepareSettings(), Path(data) / "data")
        train(dataset, model, settings or ShopSettings()).bundle.save(folder)
    return folder


WITHOUT_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For many connections to plain http: reading all certificates for each would take most of the time."""


@dataclass
class Server:
    """A running server.

    Attributes:
        address: ``http://127.0.0.1:PORT``.
        process: The process (with several workers: their parent).
        client: Talks to it.
        lines: What it wrote, to both outputs.
    """

    address: str
    process: subprocess.Popen[str]
    client: httpx.Client
    lines: list[str] = field(default_factory=list)

    def logs(self) -> list[dict[str, Any]]:
        """What it wrote in JSON."""
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    def post_event(self, user_id: Any, item_id: Any, event_type: str = "view", **more: Any) -> dict[str, Any]:
        """Stores one event."""
        event = {"user_id": user_id, "item_id": item_id, "event_type": event_type} | more
        return self._good(self.client.post("/events", json=event))

    def recommend(self, user_id: Any, **more: Any) -> dict[str, Any]:
        """Recommendations for one shopper."""
        return self._good(self.client.post("/recommendations", json={"user_id": user_id} | more))

    def stop(self, with_signal: int = signal.SIGTERM, seconds: float = A_LONG_TIME) -> int:
        """Stops it and waits; gives its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        return self.process.wait(seconds)

    @staticmethod
    def _good(answer: httpx.Response) -> dict[str, Any]:
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@contextmanager
def running_server(
    bundle: Path,
    database: Path | str | None,
    *arguments: str,
    env: dict[str, str] | None = None,
    seconds: float = A_LONG_TIME,
) -> Iterator[Server]:
    """Starts `shopkeeper serve` on a free port, waits until it is ready, and stops it at the end.

    Args:
        bundle: Folder of the bundle.
        database: File or address of the event store; None names none.
        arguments: Further arguments, ``"--workers", "2"``.
        env: Further environment variables.
        seconds: How long it may take to start.
    """
    named = () if database is None else ("--database", str(database))
    process = start(bundle, "--port", "0", *named, *arguments, env=env)
    lines: list[str] = []
    started = threading.Event()
    reader = threading.Thread(target=_read, args=(process, lines, started), daemon=True)
    reader.start()
    try:
        deadline = time.monotonic() + seconds
        while not started.wait(0.05):
            assert process.poll() is None and time.monotonic() < deadline, "".join(lines)
        address = next(found[1] for line in lines if (found := STARTED.search(line)))
        with httpx.Client(base_url=address, timeout=A_LONG_TIME) as client:
            yield Server(address, process, client, lines)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        reader.join(5)
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def each_worker(server: Server) -> Iterator[list[httpx.Client]]:
    """A connection to each of two workers; one that still starts is waited for."""
    found: dict[str, httpx.Client] = {}

    def both() -> bool:
        client = httpx.Client(base_url=server.address, timeout=A_LONG_TIME, verify=WITHOUT_CERTIFICATES)
        worker = client.get("/healthz").headers["X-Worker"]
        if found.setdefault(worker, client) is not client:
            client.close()
        return len(found) == 2

    try:
        until(both)
        yield list(found.values())
    finally:
        for client in found.values():
            client.close()


def start(bundle: Path, *arguments: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """The process of `shopkeeper serve`, both outputs in one."""
    command: Sequence[str] = [sys.executable, "-m", "shopkeeper.cli.main", "serve", str(bundle), *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **(env or {})}
    )


def _read(process: subprocess.Popen[str], lines: list[str], started: threading.Event) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if STARTED.search(line):
            started.set()


def saved_again(bundle: Path, folder: Path) -> Path:
    """The same bundle in another folder, as `shopkeeper train` would save it."""
    Bundle.load(bundle).save(folder)
    return folder

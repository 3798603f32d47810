"""The demo ends with the shop's page: a real process, asked over HTTP, stopped as a person would stop it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from shop import write_shop

ADDRESS = re.compile(r"The shop's page: (http://\S+)/")
MAPPING = ("--map", "user_id=customer", "--map", "item_id=sku", "--map", "timestamp=time", "--map", "quantity=qty",
           "--map", "price=unit_price", "--catalog-map", "item_id=sku", "--event-type", "purchase")  # fmt: skip


def test_the_page_answers_at_the_address_that_the_demo_says(tmp_path: Path) -> None:
    events, items = write_shop(tmp_path)
    command = [sys.executable, "-m", "shopkeeper.cli.main", "demo", "--events", events, "--catalog", items, *MAPPING,
               "--models", "MostPopular,Transitions", "--out", tmp_path / "out", "--port", "0", "--quiet"]  # fmt: skip
    log = tmp_path / "log"
    with log.open("w") as out:
        process = subprocess.Popen(list(map(str, command)), stdout=out, stderr=subprocess.STDOUT)
    try:
        address = _address(process, log)
        with urllib.request.urlopen(f"{address}/", timeout=10) as answer:  # noqa: S310
            assert answer.status == 200
            assert b"<html" in answer.read()
        question = urllib.request.Request(f"{address}/recommendations", b'{"user_id": "c3"}', method="POST")  # noqa: S310
        with urllib.request.urlopen(question, timeout=10) as answer:  # noqa: S310
            assert b'"items"' in answer.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) in (0, 130)
    finally:
        process.kill()
        process.wait()
    assert (tmp_path / "out" / "bundle" / "manifest.json").exists()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    import time

    deadline = time.monotonic() + 120
    while not (found := ADDRESS.search(log.read_text())):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    return found[1]

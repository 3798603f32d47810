"""The demo ends with the shop's page: a real process, asked over HTTP, stopped as a person would stop it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from shop import write_shop
from waiting import A_LONG_TIME, until

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
        with urllib.request.urlopen(f"{address}/", timeout=A_LONG_TIME) as answer:  # noqa: S310
            assert answer.status == 200
            assert b"<html" in answer.read()
        words = {"Content-Type": "application/json"}
        question = urllib.request.Request(f"{address}/recommendations", b'{"user_id": "c3"}', words)  # noqa: S310
        with urllib.request.urlopen(question, timeout=A_LONG_TIME) as answer:  # noqa: S310
            assert b'"items"' in answer.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(A_LONG_TIME) in (0, 130)
    finally:
        process.kill()
        process.wait()
    assert (tmp_path / "out" / "bundle" / "manifest.json").exists()
    after = log.read_text().rpartition("Ctrl-C")[2].splitlines()[1:]
    assert after
    assert [line for line in after if not line.startswith("{")] == []  # no traceback, no leaks: lines of the log alone


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    def said() -> re.Match[str] | None:
        assert process.poll() is None, log.read_text()
        return ADDRESS.search(log.read_text())

    return until(said)[1]

"""Requests made up from the API's own description: no answer is a fault, and none leaves the description.

Some hundreds by default; SHOPKEEPER_API_EXAMPLES=1400 sends more than ten thousand.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from server import Server

VARIABLE = "SHOPKEEPER_API_EXAMPLES"
PASSED_OVER = (
    "use_after_free",  # a shopper who was forgotten is unknown, and an unknown shopper has an empty history: status 200
    "positive_data_acceptance",  # a description cannot say that a time must not lie in the future
)
REFUSALS = """[checks]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429, "5xx"]
"""
"""What is wrong and too long as well may be refused for its length."""


@pytest.mark.slow
def test_every_answer_is_as_described(server: Server, tmp_path: Path) -> None:
    examples = os.environ.get(VARIABLE, "10")
    (tmp_path / "schemathesis.toml").write_text(REFUSALS, encoding="utf-8")
    before = requests_of(server)
    answer = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.address}/openapi.json"),
            *("--max-examples", examples, "--exclude-checks", ",".join(PASSED_OVER), "--no-color"),
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout + answer.stderr
    sent = requests_of(server) - before
    sys.stdout.write(f"{sent:.0f} requests; {answer.stdout.splitlines()[-1].strip(' =')}\n")
    assert sent > 500
    assert not [line for line in server.logs() if line["level"] in ("error", "critical")]


def requests_of(server: Server) -> float:
    text = server.client.get("/metrics").text
    counts = re.findall(r"^shopkeeper_requests_total\{.*\} (\S+)$", text, re.MULTILINE)
    return sum(map(float, counts))

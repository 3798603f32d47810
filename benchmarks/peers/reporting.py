"""How a runner tells what it measured: a line of JSON on standard output for each event. The standard library only.

Events are `ready` (data read, network built; with `targets` of an epoch and `versions`) and one `epoch` after each:
`seconds` and `peak_megabytes` of training, `evaluation_seconds` and `evaluation_peak_megabytes`, and `ndcg`, the
NDCG@10 on the validation part (full ranking, seen items not hidden). Megabytes are units of 10^6 bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")
BEGAN = time.perf_counter()


@dataclass
class Measured:
    """What a piece of work took; filled when it is done."""

    seconds: float = 0.0
    peak_megabytes: float | None = None
    """Resident memory of this process at its peak during the work; None where the system does not tell."""


@contextmanager
def measured() -> Iterator[Measured]:
    """Measures the block below it."""
    result = Measured()
    forget_peak()
    began = time.perf_counter()
    yield result
    result.seconds = time.perf_counter() - began
    result.peak_megabytes = memory("VmHWM")


def forget_peak() -> None:
    """Lets the peak begin anew at the present size, where the system can."""
    try:
        CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return


def memory(field: str) -> float | None:
    """`VmHWM` (the peak) or `VmRSS` of this process alone, not inherited, in megabytes."""
    try:
        found = re.search(rf"^{field}:\s+(\d+)", STATUS.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 / 1e6 if found else None


def reporter() -> Callable[..., None]:
    """Takes standard output for events alone: what libraries print goes to standard error from now on."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr

    def tell(event: str, **facts: Any) -> None:
        channel.write(json.dumps({"event": event, **facts}) + "\n")
        channel.flush()

    return tell


def tell_ready(tell: Callable[..., None], targets: int, packages: tuple[str, ...]) -> None:
    """Says that training may begin: seconds since the runner started, targets of an epoch, versions."""
    versions = {name: version(name) for name in packages} | {"python": sys.version.split()[0]}
    seconds = time.perf_counter() - BEGAN
    tell("ready", seconds=seconds, targets=targets, versions=versions, resident_megabytes=memory("VmRSS"))


def tell_epoch(tell: Callable[..., None], epoch: int, training: Measured, evaluation: Measured, ndcg: float) -> None:
    """Says what an epoch and the evaluation after it took."""
    tell(
        "epoch", epoch=epoch, seconds=training.seconds, peak_megabytes=training.peak_megabytes,
        evaluation_seconds=evaluation.seconds, evaluation_peak_megabytes=evaluation.peak_megabytes, ndcg=ndcg,
    )  # fmt: skip


def runner_parser(description: str | None) -> argparse.ArgumentParser:
    """The command line that all runners have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True, help="folder with sequences.txt")
    parser.add_argument("--work", type=Path, required=True, help="folder to write into")
    parser.add_argument("--epochs", type=int, default=1, help="at most so many")
    parser.add_argument("--stop-at", type=float, help="end after the epoch that reaches this NDCG@10 on validation")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    return parser


def read_sequences(folder: Path) -> list[tuple[int, list[int]]]:
    """Shoppers and their items, oldest first: the last item is for the test, the one before it for validation."""
    lines = (folder / "sequences.txt").read_text(encoding="utf-8").splitlines()
    rows = [[int(word) for word in line.split()] for line in lines if line]
    return [(row[0], row[1:]) for row in rows]

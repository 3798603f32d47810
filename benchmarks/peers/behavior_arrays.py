"""Examples as plain arrays in one file, so that every side reads the same. NumPy only.

Of each part: `dense` float32 [n, d], scaled features; `item` int64 [n], 0 for an item that training has too seldom;
`hour` and `weekday` int64 [n]; `history` int64 [n, length], the latest items from left to right, 0 behind them;
`length` int64 [n]; `moment` int64 [n], equal for examples of one shopper at one moment; `label` float32 [n]; `weight`
float64 [n], which gives it the rate of negatives of training.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PARTS = ("train", "validation", "test")
COLUMNS = ("dense", "item", "hour", "weekday", "history", "length", "moment", "label", "weight")


@dataclass(frozen=True)
class Arrays:
    """One part; fields as above."""

    dense: NDArray[np.float32]
    item: NDArray[np.int64]
    hour: NDArray[np.int64]
    weekday: NDArray[np.int64]
    history: NDArray[np.int64]
    length: NDArray[np.int64]
    moment: NDArray[np.int64]
    label: NDArray[np.float32]
    weight: NDArray[np.float64]


def write_parts(file: Path, parts: dict[str, Arrays]) -> None:
    """Writes all parts."""
    np.savez(file, **{f"{part}_{name}": getattr(one, name) for part, one in parts.items() for name in COLUMNS})


def read_parts(file: Path) -> dict[str, Arrays]:
    """Reads all parts."""
    with np.load(file) as found:
        return {part: Arrays(*(found[f"{part}_{name}"] for name in COLUMNS)) for part in PARTS}


def runner_parser(description: str | None, regularization: float) -> argparse.ArgumentParser:
    """What every side is told on the command line."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=("DeepFM", "DCNv2", "DIN"))
    parser.add_argument("arrays", type=Path)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--regularization", type=float, default=regularization)
    parser.add_argument("--out", type=Path, required=True)
    return parser


def log_loss(label: NDArray[np.float32], probability: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Mean of minus the logarithm of the probability of what came."""
    likely = np.clip(np.where(label > 0, probability, 1 - probability), 1e-7, 1)
    return float(np.average(-np.log(likely), weights=weight))

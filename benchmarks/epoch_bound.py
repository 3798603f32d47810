"""What an epoch cannot do without: its matrix products, at the speed at which this machine multiplies matrices.

Only products count, each forward and twice for its gradients; sums, softmax, norms, dropout and the optimizer come on
top. Attention counts pairs of an event and one not after it, within windows of the longest length, without padding.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.peers.reporting import reporter
from shopkeeper.types import Int64Array

FORWARD_AND_BACKWARD = 3
LOGIT_ROWS = 2048


def operations(
    n_inputs: Int64Array, n_items: int, size: int = 64, inner: int = 256, n_layers: int = 2, max_length: int = 50
) -> dict[str, int]:
    """Floating-point operations of one epoch; a multiplication and an addition are two.

    Args:
        n_inputs: int64 [histories]; events that have a target.
        n_items: Items that each target is compared with.
        size: Width of the hidden states.
        inner: Width inside the feed-forward network.
        n_layers: Transformer blocks.
        max_length: Longest window.
    """
    total = int(n_inputs.sum())
    whole, rest = n_inputs // max_length, n_inputs % max_length
    pairs = int((whole * (max_length * (max_length + 1) // 2) + rest * (rest + 1) // 2).sum())
    return {
        "logits": FORWARD_AND_BACKWARD * 2 * total * n_items * size,
        "layers": FORWARD_AND_BACKWARD * 2 * total * n_layers * (4 * size * size + 2 * size * inner),
        "attention": FORWARD_AND_BACKWARD * 2 * pairs * n_layers * 2 * size,
    }


def main() -> None:
    """Tells the best speed of a few sizes, in 10^9 operations a second (float32)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=2048, help="of the square matrices")
    parser.add_argument("--items", type=int, default=12_101)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()
    tell = reporter()

    import torch

    torch.set_num_threads(options.threads)
    side = options.side
    square = rate(side, side, side, options.repeats)
    tell("rate", square=square, logits=rate(LOGIT_ROWS, 64, options.items, options.repeats))


def rate(rows: int, inner: int, columns: int, repeats: int) -> float:
    """10^9 operations a second of the fastest of several products [rows, inner] @ [inner, columns]."""
    import torch

    left, right, out = torch.randn(rows, inner), torch.randn(columns, inner).T, torch.empty(rows, columns)
    seconds = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        torch.mm(left, right, out=out)
        seconds.append(time.perf_counter() - began)
    return float(2 * rows * inner * columns / np.min(seconds[1:]) / 1e9)


if __name__ == "__main__":
    main()

"""How much memory training takes on large catalogs: one run in a process of its own, with its bound said first.

`--generate` writes a log in which every item is taken in the training part; without it a SASRec is trained on such a
log. `sampled` compares with 1,024 items drawn, and may take the memory that it is given. `full` compares with the whole
catalog in chunks, and may take what the table of items and the optimizer hold and, on top of that, one chunk of logits
with the states of a batch or a batch of scores of the validation, but never targets x items.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.peers.reporting import measured, memory, reporter
from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.holdout import Split
from shopkeeper.data.schema import EventType
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.recommenders.registry import recommender_class
from shopkeeper.recommenders.top_k import SCORE_BYTES
from shopkeeper.training.settings import TrainingSettings
from shopkeeper.types import Int32Array

EVENTS, COVERED = 20, 4
"""Events of each shopper, and how many of them go through the whole catalog."""
SIZE, N_LAYERS, CHUNK_MEGABYTES = 64, 2, 8.0
TABLES = 7
"""Weights, gradient (twice: of the rows compared with, and of the whole), two moments of Adam, the best weights so far,
and what the optimizer needs for a moment."""
SCORES = 4
"""Copies of a batch of scores while validation ranks it."""
STATES = 40
"""Vectors of the states' width kept for each target and block until its gradient is known."""
SPARE = 64e6
"""Bytes for batches and what the allocator keeps."""
VALIDATION_USERS = 200
SAMPLED_BATCH = 256
"""Targets of a step of the sampled loss."""


def main() -> None:
    """Generates, or trains and tells the bound and the peak."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path, required=True, help="the generated log, a file of NumPy")
    parser.add_argument("--items", type=int, required=True)
    parser.add_argument("--generate", action="store_true")
    parser.add_argument("--loss", choices=("sampled", "full"), default="sampled")
    parser.add_argument("--limit", type=float, default=4e9, help="bytes that the sampled loss may take")
    parser.add_argument("--targets", type=int, default=200_000, help="of each of two epochs")
    parser.add_argument("--batch-targets", type=int, default=2048, help="of a step of the full loss")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if options.generate:
        np.save(options.log, generated_items(options.items))
    else:
        train(options)


def generated_items(n_items: int, seed: int = 0) -> Int32Array:
    """Items of each shopper, int32 [shoppers, EVENTS]: a fifth walks through the catalog, the rest is near it."""
    generator = np.random.default_rng(seed)
    n_users = -(-n_items // COVERED)
    walked = np.resize(generator.permutation(n_items), (n_users, COVERED))
    steps = generator.integers(-20, 21, (n_users, EVENTS - COVERED)).cumsum(axis=1)
    items: Int32Array = (np.concatenate([walked, walked[:, -1:] + steps], axis=1) % n_items + 1).astype(np.int32)
    return items


def train(options: argparse.Namespace) -> None:
    """Trains two epochs with validation, and tells the bound before and the peak after."""
    tell = reporter()

    import torch

    torch.set_num_threads(options.threads)
    sampled = options.loss == "sampled"
    fit(parts_of(generated_items(100), 100), sampled, 256, 256)  # loads all libraries
    with measured() as preparing:
        parts = parts_of(np.load(options.log), options.items)
    batch = SAMPLED_BATCH if sampled else options.batch_targets
    bound = options.limit if sampled else full_bound(options.items, batch)
    told = {"bound_megabytes": bound / 1e6, "targets_x_items_megabytes": 4e-6 * batch * options.items}
    tell("bound", items=parts.train.n_items, resident_megabytes=memory("VmRSS"), batch_targets=batch, **told)
    with measured() as training:
        fit(parts, sampled, batch, options.targets)
    peaks = [cost.peak_megabytes for cost in ((preparing, training) if sampled else (training,))]
    peak = max((peak for peak in peaks if peak is not None), default=None)
    tell("trained", seconds=training.seconds, peak_megabytes=peak, kept=None if peak is None else peak * 1e6 <= bound)


def fit(parts: Split, sampled: bool, batch_targets: int, targets: int) -> None:
    """Two epochs of a SASRec, each with a validation."""
    training = TrainingSettings(
        epochs=2,
        batch_targets=batch_targets,
        max_targets_per_epoch=targets,
        validation_users=VALIDATION_USERS,
        device="cpu",
    )  # fmt: skip
    loss = "sampled_softmax" if sampled else "softmax"
    config = {"embedding_size": SIZE, "n_layers": N_LAYERS, "chunk_megabytes": CHUNK_MEGABYTES, "loss": loss}
    model_class = recommender_class("sasrec")
    model_class(build(model_class.Config, config)).fit(parts.train, parts.validation, training)


def parts_of(items: Int32Array, n_items: int) -> Split:
    """Leave-one-out parts of a generated log, int32 [shoppers, EVENTS]."""
    n_users, length = items.shape
    histories = Histories(
        offsets=np.arange(0, items.size + 1, length, dtype=np.int64),
        item_index=items.reshape(-1),
        event_type=np.full(items.size, EventType.VIEW.code, dtype=np.uint8),
        timestamp=np.tile(np.arange(length, dtype=np.int64) * 1_000_000, n_users),
    )
    log = Dataset(Vocabulary(range(1, n_users + 1)), Vocabulary(range(1, n_items + 1)), histories)
    return split(log, SplitSettings(kind="leave_one_out"))


def full_bound(n_items: int, batch_targets: int) -> float:
    """Bytes that training with the full softmax may take, of which this process has some already."""
    now = 1e6 * (memory("VmRSS") or 0.0)
    step = CHUNK_MEGABYTES * (1 << 20) + 4 * SIZE * N_LAYERS * STATES * batch_targets
    validation = SCORES * min(SCORE_BYTES, 4 * VALIDATION_USERS * (n_items + 1))
    return now + TABLES * 4 * SIZE * (n_items + 1) + max(step, validation) + SPARE


if __name__ == "__main__":
    main()

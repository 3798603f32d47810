"""SASRec in RecTools: padded whole sequences, full softmax, its own defaults otherwise. Run by RecTools' environment.

Its blocks follow the paper's code: the layer inside the feed-forward network is as wide as the states (64), a fourth
of that of the others.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.peers.reporting import measured, read_sequences, reporter, runner_parser, tell_epoch, tell_ready

LENGTH, K = 50, 10


def main() -> None:
    """Trains and evaluates epoch by epoch."""
    options = runner_parser(__doc__).parse_args()
    tell = reporter()

    import pytorch_lightning
    import torch
    from rectools.models import SASRecModel

    torch.set_num_threads(options.threads)
    pytorch_lightning.seed_everything(options.seed)
    sequences = read_sequences(options.data)
    train = training_part(sequences)
    wanted = {user: items[-2] for user, items in sequences}
    targets = sum(min(len(items) - 2, LENGTH + 1) - 1 for _, items in sequences)
    settings: dict[str, Any] = {
        "n_blocks": 2, "n_heads": 2, "n_factors": 64, "session_max_len": LENGTH, "dropout_rate": 0.5, "loss": "softmax",
    }  # fmt: skip
    SASRecModel(**settings, epochs=1).fit(training_part(sequences[:10]))  # loading libraries is no part of an epoch
    model = SASRecModel(**settings)
    tell_ready(tell, targets, ("rectools", "torch", "pytorch-lightning", "numpy", "scipy", "pandas"))
    for epoch in range(options.epochs):
        with measured() as training:
            model.fit_partial(train, min_epochs=1, max_epochs=1)
        with measured() as evaluation:
            found = model.recommend(list(wanted), train, k=K, filter_viewed=False)
            ndcg = mean_ndcg(found, wanted)
        tell_epoch(tell, epoch + 1, training, evaluation, ndcg)
        if options.stop_at is not None and ndcg >= options.stop_at:
            break


def training_part(sequences: list[tuple[int, list[int]]]) -> Any:
    """All events but the last two of each shopper, a second apart."""
    import pandas as pd
    from rectools import Columns
    from rectools.dataset import Dataset

    lengths = np.array([len(items) - 2 for _, items in sequences])
    places = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    frame = pd.DataFrame({
        Columns.User: np.repeat([user for user, _ in sequences], lengths),
        Columns.Item: np.concatenate([items[:-2] for _, items in sequences]),
        Columns.Weight: 1.0,
        Columns.Datetime: pd.to_datetime(places, unit="s"),
    })  # fmt: skip
    return Dataset.construct(frame)


def mean_ndcg(found: Any, wanted: dict[int, int]) -> float:
    """NDCG@10 of the lists, with one target a shopper; ranks start at 1."""
    from rectools import Columns

    hits = found[found[Columns.Item] == found[Columns.User].map(wanted)]
    return float((1 / np.log2(hits[Columns.Rank] + 1)).sum() / len(wanted))


if __name__ == "__main__":
    main()

"""The rows of the session benchmark: the settings of each model that are tried, and where networks start."""

from __future__ import annotations

from typing import Any

from shopkeeper.config import build
from shopkeeper.training.settings import TrainingSettings

GRIDS: dict[str, dict[str, list[Any]]] = {
    "vsknn": {
        "repeats": [2.0, 0.0, 1.0, 3.0],
        "own": [1.3, 0.7, 1.0, 1.6],
        "query_decay": ["linear", "same", "harmonic", "logarithmic"],
        "vote_decay": ["harmonic", "linear", "logarithmic", "quadratic"],
        "target_power": [0.15, 0.0, 0.1, 0.2, 0.3],
        "length_power": [0.3, 0.0, 0.2, 0.4],
        "idf": [1.0, 0.0, 10.0],
        "neighbors": [300, 100, 500, 1000],
        "sessions_an_item": [500, 200, 1000],
    },
    "stan": {
        "repeats": [2.0, 0.0, 1.0, 3.0],
        "own": [0.85, 0.5, 0.7, 1.0],
        "vote_decay": [0.6, 0.4, 0.5, 0.7, 0.85],
        "history_decay": [0.75, 0.5, 0.65, 0.85],
        "distance_decay": [0.7, 0.5, 0.6, 0.8],
        "before": [0.85, 0.5, 0.7, 1.0],
        "target_power": [0.2, 0.0, 0.1, 0.25, 0.3],
        "length_power": [0.2, 0.0, 0.1, 0.3],
        "recency_days": [100.0, 50.0, 70.0, 150.0],
        "neighbors": [300, 100, 500, 1000],
        "sessions_an_item": [500, 200, 1000],
    },
    "transitions": {
        "history_decay": [0.3, 0.5, 0.7, 0.9],
        "distance_decay": [0.4, 0.6, 0.8],
        "backward": [0.3, 0.6, 1.0],
        "source_power": [0.0, 0.3, 0.5],
        "target_power": [0.0, 0.1, 0.2],
    },
}
"""Values tried for each setting that is not given; the search starts from the first ones."""

BLEND = "blend"
"""The row that mixes all rows before it."""
NETWORK: dict[str, Any] = {
    "embedding_size": 128, "max_length": 20, "ties": "keep", "loss": "softmax", "dropout": 0.5,
    "embedding_dropout": 0.5,
}  # fmt: skip
NETWORKS: dict[str, dict[str, Any]] = {
    "gru4rec": {**NETWORK, "cell_size": 256},
    "sasrec": NETWORK,
    "hstu": {**NETWORK, "time_bias": False},  # the files tell no times
}
"""Settings of networks, which are not searched: those given with `--config` go over them."""
NETWORK_TRAINING: dict[str, Any] = {"epochs": 3, "batch_targets": 1024, "optimizer": {"learning_rate": 0.003}}
"""Of networks; those of the command go over them."""


def network_training(name: str, asked: TrainingSettings) -> TrainingSettings:
    """How a row is trained: what the command asks, and for networks what is said here of the rest."""
    if name.lower() not in NETWORKS:
        return asked
    return build(TrainingSettings, {**NETWORK_TRAINING, **asked.model_dump(exclude_unset=True), "seed": asked.seed})

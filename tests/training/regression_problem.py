"""A small learning problem for tests of the loop; as a script it trains in a folder and saves the final weights.

python regression_problem.py FOLDER OUT.npz [key=value ...]
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from shopkeeper.config import load_settings
from shopkeeper.training.loop import TrainingResult, train_network
from shopkeeper.training.settings import TrainingSettings

generator = np.random.default_rng(0)
INPUTS = generator.normal(size=(60, 4)).astype(np.float32)
OUTPUTS = (INPUTS @ np.array([1.0, -2.0, 0.5, 3.0], dtype=np.float32))[:, None]


class Regression:
    """Squared errors of batches of unequal sizes."""

    def __init__(self, seed: int = 0, scale: float = 1.0, n_batches: int = 7) -> None:
        self.seed = seed
        self.scale = scale
        self.n_batches = n_batches

    def plan(self, epoch: int) -> list[np.ndarray]:
        generator = np.random.default_rng([self.seed, epoch])
        cuts = np.sort(generator.choice(np.arange(1, 60), self.n_batches - 1, replace=False))
        return np.split(generator.permutation(60), cuts)

    def n_targets(self, batch: np.ndarray) -> int:
        return len(batch)

    def loss(self, network: nn.Module, batch: np.ndarray) -> Tensor:
        errors = network(torch.from_numpy(INPUTS[batch])) - torch.from_numpy(OUTPUTS[batch])
        return self.scale * (errors**2).sum()


def fresh_network(dropout: float = 0.3) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 1))


def settings(**changes: object) -> TrainingSettings:
    return TrainingSettings(**{"epochs": 4, "device": "cpu", "patience": None, **changes})


def mean_error(network: nn.Module) -> float:
    with torch.no_grad():
        return float(((network(torch.from_numpy(INPUTS)) - torch.from_numpy(OUTPUTS)) ** 2).mean())


def weights_of(network: nn.Module) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy().copy() for name, value in network.state_dict().items()}


def train(folder: Path | None, validate: bool = True, **changes: object) -> tuple[nn.Module, TrainingResult]:
    network = fresh_network()
    score = (lambda: 1 / (1 + mean_error(network))) if validate else None
    result = train_network(network, Regression(), settings(checkpoint_folder=folder, **changes), score)
    return network, result


class _KilledAt(Regression):
    """Dies like a process that the machine kills, in the middle of an epoch."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.left = at

    def loss(self, network: nn.Module, batch: np.ndarray) -> Tensor:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().loss(network, batch)


def main() -> None:
    folder, out, kill_at, dropout, *overrides = sys.argv[1:]
    network = fresh_network(float(dropout))
    base = [f"checkpoint_folder={folder!r}"] if folder != "-" else []
    chosen = load_settings(TrainingSettings, None, ["device=cpu", "epochs=4", *base, *overrides])
    objective = _KilledAt(int(kill_at))
    train_network(network, objective, chosen, lambda: 1 / (1 + mean_error(network)))
    if os.environ.get("RANK", "0") == "0":
        np.savez(out, **weights_of(network))


if __name__ == "__main__":
    main()

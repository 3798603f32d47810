"""Two processes under torchrun, over gloo, on the CPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from regression_problem import Regression, fresh_network, settings, weights_of

from shopkeeper.training.loop import train_network
from shopkeeper.training.settings import OptimizerSettings

SCRIPT = Path(__file__).parent / "regression_problem.py"


class Pairs(Regression):
    """What two processes do together in a step, as one batch."""

    def plan(self, epoch: int) -> list[np.ndarray]:
        batches = super().plan(epoch)
        return [np.concatenate(batches[start : start + 2]) for start in range(0, len(batches), 2)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sgd", "gd"])
def test_two_processes_with_unequal_batches_step_like_one_with_all_targets(tmp_path, name):
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
        str(SCRIPT), "-", str(tmp_path / "two.npz"), "-1", "0.0",
        f"optimizer.name={name}", "optimizer.learning_rate=0.02", "patience=4",
    ]  # fmt: skip
    done = subprocess.run(
        command, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]

    network, left = fresh_network(dropout=0), iter([0.1, 0.2, 0.3, 0.4])
    chosen = settings(optimizer=OptimizerSettings(name=name, learning_rate=0.02))
    train_network(network, Pairs(), chosen, lambda: next(left))
    with np.load(tmp_path / "two.npz") as two:
        for key, value in weights_of(network).items():
            np.testing.assert_allclose(two[key], value, rtol=1e-4, atol=1e-6)
        assert (two["0.weight"] != weights_of(fresh_network())["0.weight"]).any()

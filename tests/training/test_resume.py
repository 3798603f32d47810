from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from regression_problem import Regression, fresh_network, settings, train, weights_of
from torch import nn

from shopkeeper.errors import ArtifactError, ConfigError
from shopkeeper.training.checkpoints import load_checkpoint, save_checkpoint
from shopkeeper.training.loop import train_network
from shopkeeper.training.optimizers import build_optimizers
from shopkeeper.training.run_state import EpochRecord, RunState
from shopkeeper.training.settings import OptimizerSettings

SCRIPT = Path(__file__).parent / "regression_problem.py"


class InterruptionError(Exception):
    """Stands for whatever ends a process."""


class InterruptedAt(Regression):
    def __init__(self, at: int) -> None:
        super().__init__()
        self.left = at

    def loss(self, network: nn.Module, batch: np.ndarray):
        self.left -= 1
        if self.left == 0:
            raise InterruptionError
        return super().loss(network, batch)


def same_weights(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


@pytest.mark.slow
def test_killed_in_the_middle_of_an_epoch_and_resumed_ends_with_the_same_weights(tmp_path):
    def run(folder: str, out: str, kill_at: int) -> int:
        command = [sys.executable, str(SCRIPT), str(tmp_path / folder), str(tmp_path / out), str(kill_at), "0.3"]
        return subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False).returncode

    assert run("whole", "whole.npz", -1) == 0
    assert run("killed", "killed.npz", 2 * 7 + 4) == -signal.SIGKILL
    assert not (tmp_path / "killed.npz").exists()
    assert (tmp_path / "killed" / "log.csv").read_text().count("\n") == 3, "killed in the third epoch"
    assert run("killed", "killed.npz", -1) == 0
    with np.load(tmp_path / "whole.npz") as whole, np.load(tmp_path / "killed.npz") as killed:
        same_weights(dict(whole), dict(killed))


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "gd"])
@pytest.mark.parametrize("at", [3, 20])
@pytest.mark.parametrize("checkpoint_steps", [None, 2])
def test_resumed_ends_with_the_same_weights(tmp_path, name, at, checkpoint_steps):
    chosen = {
        "optimizer": OptimizerSettings(name=name, learning_rate=0.01, momentum=0.9, amsgrad=True),
        "checkpoint_steps": checkpoint_steps,
    }
    whole, expected = train(None, **chosen)
    with pytest.raises(InterruptionError):
        train_network(fresh_network(), InterruptedAt(at), settings(checkpoint_folder=tmp_path, **chosen))
    resumed = fresh_network()
    result = train_network(resumed, Regression(), settings(checkpoint_folder=tmp_path, **chosen))
    same_weights(weights_of(resumed), weights_of(train(None, validate=False, **chosen)[0]))
    losses = [record.loss for record in result.history]
    np.testing.assert_allclose(losses, [record.loss for record in expected.history], rtol=1e-6)
    assert whole is not resumed


@pytest.mark.parametrize("at", [3, 20])
def test_averages_are_resumed_too(tmp_path, at):
    chosen = {"average_decay": 0.9, "checkpoint_steps": 2}
    with pytest.raises(InterruptionError):
        train_network(fresh_network(), InterruptedAt(at), settings(checkpoint_folder=tmp_path, **chosen))
    resumed, _ = train(tmp_path, validate=False, **chosen)
    same_weights(weights_of(resumed), weights_of(train(None, validate=False, **chosen)[0]))


def test_a_finished_run_is_not_trained_again(tmp_path):
    first, expected = train(tmp_path)
    second, result = train(tmp_path)
    same_weights(weights_of(first), weights_of(second))
    assert result == expected


def test_the_best_weights_survive_an_interruption(tmp_path):
    def run(objective: Regression, scores: list[float], folder: Path | None):
        network, left = fresh_network(), iter(scores)
        result = train_network(network, objective, settings(checkpoint_folder=folder), lambda: next(left))
        return weights_of(network), result

    whole, expected = run(Regression(), [0.5, 0.9, 0.1, 0.2], None)
    with pytest.raises(InterruptionError):
        run(InterruptedAt(17), [0.5, 0.9], tmp_path)
    resumed, result = run(Regression(), [0.1, 0.2], tmp_path)
    same_weights(whole, resumed)
    assert (result.best_epoch, result.best_validation) == (expected.best_epoch, expected.best_validation) == (2, 0.9)


def test_a_checkpoint_of_another_run_is_refused_and_may_be_replaced(tmp_path):
    train(tmp_path)
    with pytest.raises(ConfigError, match=r"another run: training.seed differ(.|\n)*resume=false"):
        train(tmp_path, seed=1)
    with pytest.raises(ConfigError, match=r"training\.epochs"):
        train(tmp_path, epochs=9)
    anew, _ = train(tmp_path, seed=1, resume=False)
    same_weights(weights_of(anew), weights_of(train(None, seed=1)[0]))
    train(tmp_path, seed=1, checkpoint_every=2)  # how often it is written does not make it another run


def test_other_data_are_another_run(tmp_path):
    chosen = settings(checkpoint_folder=tmp_path)
    train_network(fresh_network(), Regression(), chosen, identity={"data_hash": "abc"})
    with pytest.raises(ConfigError, match="data_hash"):
        train_network(fresh_network(), Regression(), chosen, identity={"data_hash": "def"})


def test_a_damaged_checkpoint_is_refused(tmp_path):
    train(tmp_path)
    file = tmp_path / "checkpoint" / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(ArtifactError, match="truncated"):
        train(tmp_path)


def test_everything_comes_back(tmp_path):
    network = fresh_network()
    optimizers = build_optimizers(network, OptimizerSettings(amsgrad=True))
    network(nn.Parameter(network[0].weight.detach()[:1])).sum().backward()
    optimizers[0].step()
    state = RunState(epoch=2, step=3, loss_sum=0.1, n_targets=5, history=[EpochRecord(1, 0.5, 0.001, 2.0, None)])
    save_checkpoint(tmp_path, {"run": 1}, state, network, optimizers, None)
    assert not [file for file in tmp_path.rglob("*") if file.suffix in (".pt", ".pkl", ".bin")]

    other = fresh_network()
    others = build_optimizers(other, OptimizerSettings(amsgrad=True))
    found, best = load_checkpoint(tmp_path, {"run": 1}, other, others)
    assert found == state
    assert best is None
    same_weights(weights_of(network), weights_of(other))
    before, after = optimizers[0].state_dict()["state"], others[0].state_dict()["state"]
    assert before.keys() == after.keys()
    for parameter, entries in before.items():
        assert entries.keys() == after[parameter].keys()
        for name, value in entries.items():
            assert value.dtype == after[parameter][name].dtype
            assert (value == after[parameter][name]).all()
    assert load_checkpoint(tmp_path / "nowhere", {}, other, others) is None

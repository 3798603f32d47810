from __future__ import annotations

import csv
import math

import numpy as np
import pytest
import torch
from regression_problem import Regression, fresh_network, mean_error, settings, train, weights_of

from shopkeeper.errors import ConfigError, DataError, TrainingError
from shopkeeper.training.loop import train_network
from shopkeeper.training.settings import OptimizerSettings, ScheduleSettings

FAST = OptimizerSettings(learning_rate=0.02)


class Recorder:
    """Remembers what the progress was told."""

    def __init__(self) -> None:
        self.total = self.done = 0
        self.facts: list[dict[str, float]] = []
        self.finished = False

    def start(self, title: str, total: int | None) -> None:
        self.total = total

    def advance(self, steps: int = 1, facts=None) -> None:
        self.done += steps
        if facts:
            self.facts.append(dict(facts))

    def finish(self) -> None:
        self.finished = True


def test_learns_and_reports():
    network, recorder = fresh_network(dropout=0), Recorder()
    result = train_network(network, Regression(), settings(epochs=60, optimizer=FAST), progress=recorder)
    assert mean_error(network) < 0.05
    assert recorder.finished
    assert recorder.done == recorder.total == 60 * 7
    assert set(recorder.facts[0]) == {"loss", "learning_rate", "seconds_left"}
    assert recorder.facts[-1]["seconds_left"] == 0
    assert [record.epoch for record in result.history] == list(range(1, 61))
    assert result.history[0].loss > result.history[-1].loss
    assert result.history[-1].learning_rate == 0
    assert (result.best_epoch, result.best_validation) == (60, None)
    assert not network.training
    assert all(parameter.grad is None for parameter in network.parameters())


def test_steps_are_means_over_targets_with_the_scheduled_rate():
    """The same by hand, in plain PyTorch."""
    chosen = settings(epochs=2, optimizer=OptimizerSettings(name="sgd", learning_rate=0.05), clip_norm=1.0)
    network, reference, objective = fresh_network(dropout=0), fresh_network(dropout=0), Regression()
    train_network(network, objective, chosen)
    for step, batch in enumerate(batch for epoch in range(2) for batch in objective.plan(epoch)):
        reference.zero_grad()
        (objective.loss(reference, batch) / len(batch)).backward()
        torch.nn.utils.clip_grad_norm_(reference.parameters(), 1.0)
        rate = 0.05 * (1 + math.cos(math.pi * step / 13)) / 2
        for parameter in reference.parameters():
            parameter.data -= rate * parameter.grad
    for name, value in weights_of(reference).items():
        np.testing.assert_allclose(weights_of(network)[name], value, rtol=1e-4, atol=1e-6)


def test_gradient_descent_takes_one_step_an_epoch_on_everything():
    chosen = settings(
        epochs=3, optimizer=OptimizerSettings(name="gd", learning_rate=0.05), schedule=ScheduleSettings(name="constant")
    )
    network, reference, recorder = fresh_network(dropout=0), fresh_network(dropout=0), Recorder()
    train_network(network, Regression(), chosen, progress=recorder)
    assert recorder.total == 3
    for _ in range(3):
        reference.zero_grad()
        (Regression().loss(reference, np.arange(60)) / 60).backward()
        for parameter in reference.parameters():
            parameter.data -= 0.05 * parameter.grad
    for name, value in weights_of(reference).items():
        np.testing.assert_allclose(weights_of(network)[name], value, rtol=1e-4, atol=1e-6)


def test_early_stopping_brings_back_the_best_weights():
    network, scores, seen = fresh_network(), iter([0.1, 0.3, 0.2, 0.3, 0.25, 0.9]), []

    def validate() -> float:
        assert not network.training
        seen.append(weights_of(network))
        return next(scores)

    result = train_network(network, Regression(), settings(epochs=6, patience=3), validate)
    assert len(result.history) == 5
    assert (result.best_epoch, result.best_validation) == (2, 0.3)
    for name, value in seen[1].items():
        np.testing.assert_array_equal(weights_of(network)[name], value)
    assert (seen[1]["0.weight"] != seen[4]["0.weight"]).any()


def test_validates_every_few_epochs_and_after_the_last():
    _, result = train(None, epochs=5, validate_every=2)
    assert [record.validation is not None for record in result.history] == [False, True, False, True, True]


def test_the_seed_decides_and_the_callers_random_numbers_stay():
    torch.manual_seed(9)
    expected = torch.rand(3)
    torch.manual_seed(9)
    one, _ = train(None)
    assert torch.equal(torch.rand(3), expected)
    again, _ = train(None)
    other, _ = train(None, seed=1)
    np.testing.assert_array_equal(weights_of(one)["0.weight"], weights_of(again)["0.weight"])
    assert (weights_of(one)["0.weight"] != weights_of(other)["0.weight"]).any(), "the seed steers dropout"


def test_a_loss_that_is_no_number_stops_the_run(tmp_path):
    recorder = Recorder()
    with pytest.raises(TrainingError, match=r"diverged\n.*learning_rate"):
        train_network(
            fresh_network(), Regression(scale=math.nan), settings(checkpoint_folder=tmp_path), progress=recorder
        )
    assert recorder.finished
    assert not list(tmp_path.iterdir()), "no checkpoint holds broken weights"


def test_nothing_to_train_on():
    class Nothing(Regression):
        def plan(self, epoch: int) -> list[np.ndarray]:
            return []

    with pytest.raises(DataError, match="nothing to train on"):
        train_network(fresh_network(), Nothing(), settings())


def test_learning_curve_as_csv(tmp_path):
    _, result = train(tmp_path)
    with (tmp_path / "log.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4]
    assert [float(row["loss"]) for row in rows] == [record.loss for record in result.history]
    assert [float(row["validation"]) for row in rows] == [record.validation for record in result.history]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_where_asked(tmp_path):
    pytest.importorskip("tensorboard")
    train(tmp_path, tensorboard=True)
    assert list((tmp_path / "tensorboard").iterdir())
    with pytest.raises(ConfigError, match="need a place"):
        train(None, tensorboard=True)


def test_half_precision_is_refused_on_a_cpu():
    for precision in ("bf16", "fp16"):
        with pytest.raises(ConfigError, match="not for a CPU"):
            train(None, precision=precision)


def test_devices_that_are_not_there_are_refused():
    with pytest.raises(ConfigError, match="there is no device"):
        train(None, device="quantum")
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="not on this machine"):
            train(None, device="cuda:1")


def test_who_watches_can_end_it_with_the_best_weights_so_far():
    network, told = fresh_network(dropout=0), []

    def watch(record) -> bool:
        told.append((record.epoch, record.validation))
        return record.epoch < 3

    scores = iter([0.1, 0.3, 0.2])
    result = train_network(network, Regression(), settings(epochs=9), lambda: next(scores), watch=watch)
    assert told == [(1, 0.1), (2, 0.3), (3, 0.2)]
    assert (result.best_epoch, result.best_validation) == (2, 0.3)
    assert not network.training

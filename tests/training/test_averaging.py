from __future__ import annotations

import numpy as np
from regression_problem import fresh_network, mean_error, train, weights_of
from torch import nn

from shopkeeper.training.averaging import AveragedWeights


def one_number(value: float) -> nn.Linear:
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, value)
    return network


def test_average_by_eye():
    network = one_number(0.0)
    average = AveragedWeights(network, 0.5)
    for step, value in enumerate([10.0, 10.0, 10.0]):
        nn.init.constant_(network.weight, value)
        average.update(1000 + step)
    with average.applied():
        assert network.weight.item() == 8.75
    assert network.weight.item() == 10.0


def test_first_steps_forget_the_fresh_weights():
    network = one_number(0.0)
    average = AveragedWeights(network, 0.999)
    nn.init.constant_(network.weight, 1.0)
    for step in range(20):
        average.update(step)
    assert average.weights["weight"].item() > 0.99


def test_the_average_of_noisy_steps_is_better_and_is_what_is_kept():
    noisy = {"epochs": 40, "optimizer": {"name": "sgd", "learning_rate": 0.08}, "schedule": {"name": "constant"}}
    plain, _ = train(None, validate=False, **noisy)
    averaged, result = train(None, average_decay=0.95, **noisy)
    assert mean_error(averaged) < mean_error(plain)
    assert result.best_validation == max(record.validation for record in result.history)
    assert np.isclose(1 / (1 + mean_error(averaged)), result.best_validation)


def test_averaging_leaves_the_steps_as_they_are():
    before = [record.loss for record in train(None)[1].history]
    assert [record.loss for record in train(None, average_decay=0.9)[1].history] == before
    assert weights_of(fresh_network()).keys() == weights_of(train(None, average_decay=0.9)[0]).keys()

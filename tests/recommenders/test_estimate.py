"""What fitting takes is foretold: memory within 1.5 times, time within 3 times, at two sizes of each family."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from measured_fit import random_log

from shopkeeper.recommenders.als import ALS, ALSConfig
from shopkeeper.recommenders.ease import EASE, EASEConfig
from shopkeeper.recommenders.estimate import n_pairs_within, n_products
from shopkeeper.recommenders.registry import recommender_classes
from shopkeeper.recommenders.sasrec import SASRec, SASRecConfig
from shopkeeper.recommenders.transitions import Transitions, TransitionsConfig
from shopkeeper.training.settings import TrainingSettings

ATTEMPTS = 3
"""A busy machine may be slow just then."""
SLACK = 0.5
"""Seconds; nobody waits for an estimate of less."""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="this system does not tell the peak of memory")
@pytest.mark.parametrize(
    "words",
    [
        "transitions 4000 3000 20",
        "transitions 20000 10000 20",
        "ease 3000 1500 20",
        "ease 5000 3000 20",
        "als 5000 5000 20 models.als.iterations=5",
        "als 20000 10000 20 models.als.iterations=5",
        "sasrec 500 2000 10 training.epochs=2 training.device=cpu",
        "sasrec 1500 200000 10 training.epochs=2 training.device=cpu",
    ],
)
def test_the_estimate_is_near_the_truth(words: str) -> None:
    script = Path(__file__).with_name("measured_fit.py")
    for _ in range(ATTEMPTS):
        answer = subprocess.run([sys.executable, script, *words.split()], capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr
        found = json.loads(answer.stdout.splitlines()[-1])
        assert 1 / 1.5 < found["told_megabytes"] / found["megabytes"] < 1.5, found
        told, took = found["told_seconds"], found["seconds"]
        if 1 / 3 < told / took < 3 or abs(told - took) < SLACK:
            return
    pytest.fail(f"time: {found}")


def test_memory_grows_with_what_takes_it() -> None:
    log = random_log(300, 200, 10)

    def size(model: type, config: object, training: TrainingSettings | None = None) -> float:
        told = model(config).estimate(log, training)
        assert told.seconds > 0
        return told.bytes

    assert size(ALS, ALSConfig(factors=64000)) > 10 * size(ALS, ALSConfig(factors=64))
    assert size(EASE, EASEConfig(precision="float64")) > size(EASE, EASEConfig(precision="float32"))
    assert size(Transitions, TransitionsConfig(window=20)) > size(Transitions, TransitionsConfig(window=1))
    few, many = (TrainingSettings(epochs=1, device="cpu", batch_targets=n) for n in (64, 4096))
    assert size(SASRec, SASRecConfig(), many) > size(SASRec, SASRecConfig(), few)
    averaged = few.replace(average_decay=0.9)
    assert size(SASRec, SASRecConfig(embedding_size=512), averaged) > size(SASRec, SASRecConfig(), averaged)


def test_weights_that_do_not_fit_are_told_without_making_them() -> None:
    told = SASRec(SASRecConfig(embedding_size=1_000_000)).estimate(random_log(50, 20, 5))
    assert told.bytes > 1e12
    assert told.seconds is None


def test_an_estimate_leaves_the_model_and_the_random_numbers_as_they_were() -> None:
    import torch

    log, training = random_log(200, 50, 8), TrainingSettings(epochs=1, device="cpu")
    plain, told = SASRec(), SASRec()
    torch.manual_seed(0)
    told.estimate(log, training)
    after = torch.rand(1)
    torch.manual_seed(0)
    assert torch.equal(torch.rand(1), after)
    for model in (plain, told):
        model.fit(log, None, training)
    expected = plain.state()
    assert all(np.array_equal(value, expected[name]) for name, value in told.state().items())


@pytest.mark.parametrize("name", recommender_classes())
def test_every_recommender_tells_something(name: str) -> None:
    told = recommender_classes()[name]().estimate(random_log(60, 20, 5), TrainingSettings(epochs=1, device="cpu"))
    assert 0 < told.bytes < 2e9
    assert told.seconds is not None
    assert told.seconds > 0


def test_pairs_and_products_are_those_of_a_count_by_hand() -> None:
    histories = random_log(40, 30, 6).histories
    lengths = histories.lengths
    by_hand = sum(max(0, int(length) - step) for length in lengths for step in range(1, 5))
    assert n_pairs_within(histories, 4) == by_hand
    assert n_products(histories, None) == (lengths.astype(int) ** 2).sum()
    assert n_products(histories, 3) == (np.minimum(lengths.astype(int), 3) ** 2).sum()

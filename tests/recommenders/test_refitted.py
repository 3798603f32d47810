"""Fitting once more on more data keeps what validation decided: epochs, learning rates, weights."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.split import split, whole
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.errors import NotFittedError
from shopkeeper.pipeline.pipeline import Pipeline
from shopkeeper.recommenders.blend import Blend, BlendConfig
from shopkeeper.recommenders.popular import MostPopular
from shopkeeper.recommenders.sasrec import SASRec, SASRecConfig
from shopkeeper.recommenders.transitions import Transitions
from shopkeeper.training.settings import TrainingSettings

SPLIT = SplitSettings(kind="leave_one_out")
SMALL = build(SASRecConfig, {"embedding_size": 8, "n_layers": 1, "n_heads": 1, "max_length": 5})


def test_the_whole_log_has_all_events_of_the_types_of_the_split(cycle: Dataset) -> None:
    assert whole(cycle, SPLIT).n_events == cycle.n_events
    assert whole(cycle, SPLIT).data_hash == cycle.compact().data_hash


def test_a_network_takes_the_epochs_of_its_best_weights(cycle: Dataset) -> None:
    parts = split(cycle, SPLIT)
    training = TrainingSettings(epochs=6, patience=1, device="cpu")
    first = SASRec(SMALL).fit(parts.train, parts.validation, training)
    assert first.training_result is not None
    second = first.refitted(whole(cycle, SPLIT), training)
    assert second.training_result is not None
    assert len(second.training_result.history) == first.training_result.best_epoch
    assert all(record.validation is None for record in second.training_result.history)
    assert second.train.n_events == cycle.n_events
    assert second.config == first.config
    assert second.watch is None


def test_the_learning_rates_are_those_of_the_whole_schedule(cycle: Dataset) -> None:
    training = TrainingSettings(epochs=4, device="cpu")
    first = SASRec(SMALL).fit(cycle, None, training)
    assert first.training_result is not None
    again = first.refitted(cycle, training)
    assert again.training_result is not None
    rates = [[record.learning_rate for record in one.history] for one in (first.training_result, again.training_result)]
    assert rates[0] == rates[1]


def test_a_loaded_network_does_not_know_for_how_long_it_was_trained(cycle: Dataset) -> None:
    with pytest.raises(NotFittedError, match="epochs"):
        SASRec(SMALL).refitted(cycle)


def test_mixtures_keep_their_weights(cycle: Dataset) -> None:
    parts = split(cycle, SPLIT)
    members = [{"model": "Transitions"}, {"model": "MostPopular"}]
    blend = Blend(build(BlendConfig, {"members": members})).fit(parts.train, parts.validation)
    blend.weights, blend.sharpness = np.array([0.9, 0.1]), np.array([1.4, 0.5])
    again = blend.refitted(whole(cycle, SPLIT))
    assert again.weights.tolist() == [0.9, 0.1]
    assert again.sharpness.tolist() == [1.4, 0.5]
    assert {member.train.n_events for member in again.members} == {cycle.n_events}
    models = [Transitions().fit(parts.train), MostPopular().fit(parts.train)]
    pipeline = Pipeline.of_fitted(models)
    pipeline.weights, pipeline.likeness = [0.7, 0.3], [0]
    served = pipeline.refitted(whole(cycle, SPLIT))
    assert (served.weights, served.likeness) == ([0.7, 0.3], [0])
    assert {model.train.n_events for model in (*served.recommenders, *served.fallbacks)} == {cycle.n_events}

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.hiding import Hide
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ConfigError
from shopkeeper.recommenders.hstu import HSTU, HSTUConfig
from shopkeeper.training.settings import OptimizerSettings, TrainingSettings

SMALL = {"embedding_size": 16, "n_layers": 1, "dropout": 0.1, "embedding_dropout": 0.1, "max_length": 6}
FAST = TrainingSettings(
    epochs=20, device="cpu", batch_targets=32, patience=None, optimizer=OptimizerSettings(learning_rate=0.01)
)
DAY = 86_400_000_000


def paced(n: int) -> Histories:
    """Who comes back within a day after item 1 takes item 2 next, who comes back after a month item 3."""
    histories = Histories.of_items([[1, 1, 2], [1, 1, 3]] * n)
    gaps = np.tile([0, DAY // 2, DAY, 0, 30 * DAY, DAY], n)
    starts = np.repeat(np.arange(2 * n) * 1000 * DAY, 3)
    return replace(histories, timestamp=starts + np.cumsum(gaps.reshape(-1, 3), axis=1).ravel())


def best_of_two(model: HSTU) -> list[int]:
    histories = paced(1)
    asked = histories.where(np.tile([True, True, False], 2))
    scores, _ = model.final_scores(np.zeros(2, dtype=np.int32), asked, hide=Hide.NONE)
    return (np.argmax(scores[:, 2:], axis=1) + 2).tolist()


def test_the_time_between_events_is_minded():
    shop = Dataset(Vocabulary(range(60)), Vocabulary(range(1, 4)), paced(30))
    settings = {**SMALL, "repeats": False}
    assert best_of_two(HSTU(build(HSTUConfig, settings)).fit(shop, training=FAST)) == [2, 3]
    blind = HSTU(build(HSTUConfig, {**settings, "time_bias": False})).fit(shop, training=FAST)
    assert len(set(best_of_two(blind))) == 1


@pytest.mark.parametrize("changes", [{"temperature": 0.1}, {"loss": "sampled_softmax", "n_negatives": 8}], ids=str)
def test_learns_the_circle_by_cosine_and_from_a_sample(cycle: Dataset, changes):
    model = HSTU(build(HSTUConfig, {**SMALL, **changes})).fit(cycle, training=FAST)
    walks = Histories.of_items([[(start + step) % 12 + 1 for step in range(3)] for start in range(12)])
    scores, _ = model.final_scores(np.zeros(12, dtype=np.int32), walks)
    assert np.argmax(scores, axis=1).tolist() == [(start + 3) % 12 + 1 for start in range(12)]


def test_heads_divide_the_width():
    with pytest.raises(ConfigError, match="n_heads must divide"):
        build(HSTUConfig, {"embedding_size": 10, "n_heads": 3})

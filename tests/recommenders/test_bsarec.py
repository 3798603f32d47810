from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.errors import ConfigError
from shopkeeper.recommenders.bsarec import BSARec, BSARecConfig
from shopkeeper.training.settings import OptimizerSettings, TrainingSettings

SMALL = {"embedding_size": 16, "n_layers": 1, "dropout": 0.1, "embedding_dropout": 0.1, "max_length": 6}
FAST = TrainingSettings(
    epochs=12, device="cpu", batch_targets=32, patience=None, optimizer=OptimizerSettings(learning_rate=0.01)
)


@pytest.mark.parametrize("changes", [{"alpha": 1.0}, {"prefix_rows": True}, {"n_scales": 1}], ids=str)
def test_learns_the_circle(cycle: Dataset, changes):
    model = BSARec(build(BSARecConfig, {**SMALL, **changes})).fit(cycle, training=FAST)
    walks = Histories.of_items([[(start + step) % 12 + 1 for step in range(3)] for start in range(12)])
    scores, _ = model.final_scores(np.zeros(12, dtype=np.int32), walks)
    assert np.argmax(scores, axis=1).tolist() == [(start + 3) % 12 + 1 for start in range(12)]


@pytest.mark.parametrize("name", ["n_heads", "n_scales"])
def test_heads_and_scales_divide_the_width(name: str):
    with pytest.raises(ConfigError, match=f"{name} must divide"):
        build(BSARecConfig, {"embedding_size": 16, name: 3})

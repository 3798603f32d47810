from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.config import build
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.hiding import Hide
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.errors import ConfigError
from shopkeeper.recommenders.bert4rec import BERT4Rec, BERT4RecConfig
from shopkeeper.training.settings import OptimizerSettings, TrainingSettings

SMALL = {"embedding_size": 16, "n_layers": 1, "dropout": 0.1, "embedding_dropout": 0.1, "max_length": 7}
FAST = TrainingSettings(
    epochs=25, device="cpu", batch_targets=32, patience=None, optimizer=OptimizerSettings(learning_rate=0.01)
)


@pytest.mark.parametrize("changes", [{}, {"loss": "bce", "n_negatives": 8}], ids=str)
def test_learns_the_circle(cycle: Dataset, changes):
    model = BERT4Rec(build(BERT4RecConfig, {**SMALL, **changes})).fit(cycle, training=FAST)
    walks = Histories.of_items([[(start + step) % 12 + 1 for step in range(3)] for start in range(12)])
    scores, _ = model.final_scores(np.zeros(12, dtype=np.int32), walks)
    assert np.argmax(scores, axis=1).tolist() == [(start + 3) % 12 + 1 for start in range(12)]


def test_learns_where_shoppers_buy_again():
    shop = Dataset(Vocabulary(range(40)), Vocabulary(range(1, 13)),
                   Histories.of_items([[user % 12 + 1] * 6 for user in range(40)]))  # fmt: skip
    settings = {**SMALL, "repeats": True, "item_bias": True}
    model = BERT4Rec(build(BERT4RecConfig, settings)).fit(shop, training=FAST)
    asked = Histories.of_items([[item] * 3 for item in range(1, 13)])
    scores, _ = model.final_scores(np.zeros(12, dtype=np.int32), asked, hide=Hide.NONE)
    assert np.argmax(scores, axis=1).tolist() == list(range(1, 13))


def test_only_the_last_events_are_read(cycle: Dataset):
    model = BERT4Rec(build(BERT4RecConfig, SMALL)).fit(cycle, training=FAST.replace(epochs=1))
    long = Histories.of_items([[9, 8, 7, 1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]])
    scores = model.score(np.zeros(2, dtype=np.int32), long)
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-5)


def test_settings_that_do_not_go_with_masks_are_refused():
    with pytest.raises(ConfigError, match="rows are masked"):
        build(BERT4RecConfig, {"prefix_rows": True})
    with pytest.raises(ConfigError, match="the masked event counts"):
        build(BERT4RecConfig, {"max_length": 1})
    with pytest.raises(ConfigError, match="n_heads must divide"):
        build(BERT4RecConfig, {"n_heads": 3})

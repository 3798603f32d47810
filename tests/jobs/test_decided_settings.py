"""What the log decided of a model's settings stands in the card, with the reason, and comes back with the bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.schema import EventType
from shopkeeper.data.split import split
from shopkeeper.data.split_settings import SplitSettings
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.jobs.bundles import make_bundle
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.recommenders.sasrec import SASRec, SASRecConfig
from shopkeeper.training.settings import TrainingSettings

pytest.importorskip("torch")


@pytest.mark.parametrize(("n_items", "start"), [(3, "random"), (30, "links")])
def test_the_card_says_what_the_log_decided_and_why(n_items: int, start: str, tmp_path: Path) -> None:
    rows = [(np.arange(9) + place) % n_items + 1 for place in range(20)]  # three items come again, thirty do not
    log = Dataset(
        Vocabulary(range(20)), Vocabulary(range(1, n_items + 1)), Histories.of_items(rows, EventType.PURCHASE)
    )
    parts, training = split(log, SplitSettings(kind="leave_one_out")), TrainingSettings(epochs=1)
    model = SASRec(SASRecConfig(embedding_size=8, n_heads=1, n_layers=1)).fit(parts.train, parts.validation, training)
    make_bundle(model, log, parts, training, [], 0.0).save(tmp_path / "bundle")
    card = Bundle.load(tmp_path / "bundle").card
    assert card.decided["item_start"].startswith(f'"{start}", because ')
    assert "of the events repeat an item of the shopper" in card.decided["item_start"]
    assert set(card.decided) == {"repeats", "item_bias", "read_types", "item_start"}
    assert card.model_settings["item_start"] == "auto"

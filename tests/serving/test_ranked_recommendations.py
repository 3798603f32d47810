"""A served pipeline that ranks by a predictor looks at the moment of the request."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from server import running_server

from shopkeeper.pipeline.asking import Ask
from shopkeeper.pipeline.bundle import Bundle
from shopkeeper.pipeline.expected_value_fit import fit_purchases
from shopkeeper.pipeline.settings import RankingSettings

pytest.importorskip("sklearn")


def test_recommendations_come_in_the_order_of_chances_now(bundle: Path, tmp_path: Path) -> None:
    loaded = Bundle.load(bundle)
    ranking = RankingSettings(by="probability", predictor="LogisticRegression", days=2)
    loaded.pipeline.config = loaded.pipeline.config.replace(ranking=ranking)
    loaded.pipeline.rank_by(fit_purchases(loaded.pipeline.memory, ranking))
    replace(loaded).save(tmp_path / "ranked")
    user = loaded.pipeline.memory.users.indices(["c7"])
    with running_server(tmp_path / "ranked", tmp_path / "shop.db") as server:
        answer = server.client.post("/recommendations", json={"user_id": "c7", "k": 5}).json()
    history = loaded.pipeline.memory.history_of(user)
    index = int(loaded.pipeline.train.users.indices(["c7"])[0])
    now = loaded.pipeline.answer([Ask(index, history, 5, moment=time.time_ns() // 1000)])[0]
    ids = loaded.pipeline.train.items.ids(now.item_index)
    assert [item["item_id"] for item in answer["items"]] == list(ids)
    np.testing.assert_allclose([item["score"] for item in answer["items"]], now.scores, rtol=1e-3)

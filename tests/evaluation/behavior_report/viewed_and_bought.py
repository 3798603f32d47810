"""A small shop: shoppers view things, put some in the cart a day later, and buy most of these another day on."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from shopkeeper.config import build
from shopkeeper.data.catalog import Catalog
from shopkeeper.data.dataset import Dataset
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.examples.make import make_examples
from shopkeeper.data.examples.settings import ExampleSettings
from shopkeeper.data.histories import Histories
from shopkeeper.data.point_in_time.features import with_features
from shopkeeper.data.schema import EventType
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.evaluation.behavior.evaluate import evaluate_predictor
from shopkeeper.evaluation.behavior.leaderboard import (
    BehaviorEntry,
    BehaviorLeaderboard,
    BehaviorProtocol,
    moments_text,
    sizes_of,
)
from shopkeeper.evaluation.behavior.settings import BehaviorEvaluationSettings
from shopkeeper.evaluation.behavior_report.inputs import BehaviorReportInputs
from shopkeeper.evaluation.cost import Cost
from shopkeeper.predictors.base import Predictor
from shopkeeper.predictors.registry import predictor_class
from shopkeeper.training.settings import TrainingSettings

DAY = 86_400_000_000
N_USERS, N_ITEMS = 150, 20
FAST = TrainingSettings(epochs=2, device="cpu")
EVIL = "<script>alert('tea & cake')</script>"


def shop_log() -> Dataset:
    rng = np.random.default_rng(0)
    columns: list[tuple[int, int, int, int]] = []
    for user in range(N_USERS):
        day = int(rng.integers(0, 40))
        for item in rng.choice(np.arange(1, N_ITEMS + 1), 8, replace=False).tolist():
            columns.append((user, day * DAY, item, EventType.VIEW.code))
            if rng.random() < 0.4:
                columns.append((user, (day + 1) * DAY, item, EventType.CART.code))
                if rng.random() < 0.7:
                    columns.append((user, (day + 2) * DAY, item, EventType.PURCHASE.code))
            day += int(rng.integers(0, 6))
    user, time, item, kind = np.array(sorted(columns)).T
    offsets = np.concatenate([[0], np.cumsum(np.bincount(user, minlength=N_USERS))]).astype(np.int64)
    histories = Histories(offsets, item.astype(np.int32), kind.astype(np.uint8), time.astype(np.int64))
    ids = [f"item-{place:02d}" for place in range(1, N_ITEMS + 1)]
    catalog = pa.table({
        "item_id": pa.array(ids, pa.large_string()),
        "title": [f"{EVIL} {place}" for place in range(N_ITEMS)],
        "category": ["Food > Cakes"] * 9 + ["Food > Tea"] * 11,
        "price": [float(place + 1) for place in range(N_ITEMS)],
    })  # fmt: skip
    return Dataset(
        Vocabulary(range(100, 100 + N_USERS)), Vocabulary(ids), histories,
        price=item.astype(np.float32), quantity=np.ones(len(item), dtype=np.float32), catalog=Catalog(catalog),
    )  # fmt: skip


def parts_of(log: Dataset, settings: ExampleSettings) -> dict[str, Examples]:
    spans = {"train": (None, 45 * DAY), "test": (45 * DAY, None)}
    return {name: with_features(log, make_examples(log, settings, *span)) for name, span in spans.items()}


def model_of(name: str) -> Predictor:
    cls = predictor_class(name)
    return cls(build(cls.Config, {"trees": 20} if "trees" in cls.Config.model_fields else {}))


def inputs_of(log: Dataset, settings: ExampleSettings, names: list[str]) -> BehaviorReportInputs:
    """Fitted models and, of chances, their leaderboard."""
    parts = parts_of(log, settings)
    models = {name: model_of(name).fit(parts["train"], training=FAST) for name in names}
    measured = BehaviorEvaluationSettings(n_bootstrap=20)
    entries = [BehaviorEntry(evaluate_predictor(model, parts["test"], measured), Cost()) for model in models.values()]
    protocol = BehaviorProtocol(
        settings, "test", moments_text(dict.fromkeys(parts, (0, DAY))), sizes_of(parts),
        entries[0].evaluation.base_rate, log.data_hash, 0,
    )  # fmt: skip
    board = BehaviorLeaderboard(protocol, tuple(entries))
    words = (f"Take {names[0]}: {EVIL}.",)
    return BehaviorReportInputs(
        log, parts["test"], models, board=board, words=words, card={"command": f"select {EVIL}"}
    )

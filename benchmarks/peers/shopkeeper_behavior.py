"""DeepFM, DCN V2 and DIN of Shopkeeper on examples of `behavior_arrays`.

    python shopkeeper_behavior.py MODEL ARRAYS --epochs 6 --threads 1 --regularization 0.5 --out PREDICTIONS

Of the past it is given the items alone, as the peers are, and not what was done with them or when.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, cast

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.peers.behavior_arrays import Arrays, read_parts, runner_parser
from benchmarks.peers.reporting import forget_peak, memory, reporter
from shopkeeper.config import build
from shopkeeper.data.cutoffs import MICROSECONDS_A_DAY
from shopkeeper.data.examples.examples import Examples
from shopkeeper.data.point_in_time.attributes import Attribute
from shopkeeper.data.point_in_time.of_pairs import THURSDAY
from shopkeeper.data.point_in_time.sequences import PastEvents
from shopkeeper.data.point_in_time.table import FeatureTable
from shopkeeper.predictors.network import NetworkPredictor
from shopkeeper.predictors.registry import predictor_class
from shopkeeper.training.run_state import EpochRecord
from shopkeeper.training.settings import OptimizerSettings, ScheduleSettings, TrainingSettings

HOUR = MICROSECONDS_A_DAY // 24


def main() -> None:
    """Trains, tells each epoch, and keeps the predictions of the epoch that is best on validation."""
    options = runner_parser(__doc__, 0.5).parse_args()
    tell = reporter()
    import torch

    torch.set_num_threads(options.threads)
    parts = read_parts(options.arrays)
    length = parts["train"].history.shape[1]
    config = {
        "embedding_size": 16, "hidden_size": 128, "dropout": 0.2, "max_length": length, "least_count": 1,
        "unknown_share": options.regularization,
    }  # fmt: skip
    cls = predictor_class(options.model)
    model = cast(NetworkPredictor, cls(build(cls.Config, config)))
    n_items = max(int(max(one.item.max(), one.history.max())) for one in parts.values())
    made = {name: examples(one, n_items) for name, one in parts.items()}
    training = TrainingSettings(
        epochs=options.epochs, batch_targets=512, patience=None, schedule=ScheduleSettings(name="constant"),
        optimizer=OptimizerSettings(name="adam", learning_rate=1e-3),
    )  # fmt: skip
    tell("ready", versions={})
    forget_peak()

    def watch(record: EpochRecord) -> bool:
        loss = -(record.validation or 0.0)
        tell("epoch", epoch=record.epoch, seconds=record.seconds, peak_megabytes=memory("VmHWM"), validation=loss)
        return True

    model.watch = watch
    model.fit(made["train"], made["validation"], training)
    np.save(options.out, model.predict_proba(made["test"]))


def examples(one: Arrays, n_items: int) -> Examples:
    """The arrays as examples; hour and weekday are told by a moment that has them."""
    import pyarrow as pa

    real = np.arange(one.history.shape[1]) < one.length[:, None]
    first = np.unique(one.moment, return_index=True)[1]
    lengths = one.length[first]
    ends = np.cumsum(lengths)
    number = np.searchsorted(one.moment[first], one.moment)
    events = one.history[first][real[first]].astype(np.int32)
    weeks = one.moment * 7 + (one.weekday - 1 - THURSDAY) % 7
    past = PastEvents(
        events, np.ones(len(events), dtype=np.uint8), np.full(len(events), np.iinfo(np.int64).max // 2),
        (ends - lengths)[number], ends[number],
    )  # fmt: skip
    names = tuple(f"x{place}" for place in range(one.dense.shape[1]))
    words: Any = pa.array(np.arange(1, n_items + 1))
    return Examples(
        user_index=(one.moment + 1).astype(np.int32),
        item_index=one.item.astype(np.int32),
        timestamp=weeks * MICROSECONDS_A_DAY + (one.hour - 1) * HOUR,
        label=one.label,
        negative_rate=1 / float(one.weight.max()),  # of training 1: what validation counts is weighed as by the peers
        features=FeatureTable(names, one.dense),
        attributes=(Attribute("item", np.arange(n_items + 1), words),),
        past=past,
    )


if __name__ == "__main__":
    main()

"""SASRec in Shopkeeper, by the same rules as its peers: the network of the others, its own defaults otherwise."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.peers.reporting import (
    Measured,
    forget_peak,
    measured,
    memory,
    reporter,
    runner_parser,
    tell_epoch,
    tell_ready,
)
from benchmarks.sequential import load, make_split
from shopkeeper.config import build, load_settings
from shopkeeper.data.holdout import Holdout
from shopkeeper.evaluation.evaluate import evaluate
from shopkeeper.evaluation.settings import EvaluationSettings
from shopkeeper.recommenders.neural import NeuralRecommender
from shopkeeper.recommenders.registry import recommender_class
from shopkeeper.training.run_state import EpochRecord
from shopkeeper.training.settings import TrainingSettings

MODEL = {
    "embedding_size": 64, "n_layers": 2, "n_heads": 2, "dropout": 0.5, "embedding_dropout": 0.5, "max_length": 50,
    "loss": "softmax", "ties": "keep", "item_bias": False, "repeats": False,
}  # fmt: skip
ASKED = EvaluationSettings(ks=(10,), metrics=("ndcg",), n_bootstrap=0, hide_seen=False, segments=False)


def main() -> None:
    """Trains and evaluates epoch by epoch."""
    parser = runner_parser(__doc__)
    parser.add_argument("--set", action="append", default=[], help="a training setting, for example batch_targets=512")
    options = parser.parse_args()
    tell = reporter()

    import torch

    torch.set_num_threads(options.threads)
    parts = make_split(load(options.data)[0], "leave_one_out")
    fixed = [f"epochs={options.epochs}", f"seed={options.seed}", "device=cpu", *options.set]
    training = load_settings(TrainingSettings, None, fixed)
    model_class = recommender_class("sasrec")
    config = build(model_class.Config, MODEL)
    warm_up = training.replace(epochs=1, max_targets_per_epoch=1)
    model_class(config).fit(parts.train, None, warm_up)  # loading libraries is no part of an epoch
    model = model_class(config)
    assert isinstance(model, NeuralRecommender)  # noqa: S101
    targets = parts.train.n_events - int((parts.train.histories.lengths > 0).sum())
    tell_ready(tell, targets, ("shopkeeper", "torch", "numpy", "scipy"))
    model.watch = Watching(model, parts.validation, tell, options.stop_at)
    model.fit(parts.train, None, training)


class Watching:
    """Evaluates after each epoch and tells what it took; its clock starts now."""

    def __init__(
        self, model: NeuralRecommender, validation: Holdout, tell: Callable[..., None], stop_at: float | None
    ) -> None:
        self.model, self.validation, self.tell, self.stop_at = model, validation, tell, stop_at
        self.go_on()

    def go_on(self) -> None:
        """The next epoch begins here."""
        forget_peak()
        self.began = time.perf_counter()

    def __call__(self, record: EpochRecord) -> bool:
        """Called by the training loop after an epoch; says whether to go on."""
        training = Measured(time.perf_counter() - self.began, memory("VmHWM"))
        self.model.network.eval()  # the next epoch turns dropout on again
        with measured() as evaluation:
            ndcg = evaluate(self.model, self.validation, ASKED, part="validation").value("ndcg", 10)
        tell_epoch(self.tell, record.epoch, training, evaluation, ndcg)
        self.go_on()
        return self.stop_at is None or ndcg < self.stop_at


if __name__ == "__main__":
    main()

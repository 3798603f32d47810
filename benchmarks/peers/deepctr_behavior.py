"""DeepFM, DCN V2 and DIN of DeepCTR-Torch on examples of `behavior_arrays`. Run by DeepCTR-Torch's environment.

python deepctr_behavior.py MODEL ARRAYS --epochs 6 --threads 1 --regularization 1e-5 --out PREDICTIONS
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.peers.behavior_arrays import Arrays, log_loss, read_parts, runner_parser
from benchmarks.peers.reporting import measured, reporter

SIZE, HIDDEN, DROPOUT, RATE, BATCH = 16, (128, 64), 0.2, 1e-3, 512


def main() -> None:
    """Trains epoch by epoch and keeps the predictions of the epoch that is best on validation."""
    options = runner_parser(__doc__, 1e-5).parse_args()
    tell = reporter()
    import torch

    torch.set_num_threads(options.threads)
    parts = read_parts(options.arrays)
    model = build(options.model, parts, options.regularization)
    model.compile(torch.optim.Adam(model.parameters(), lr=RATE), "binary_crossentropy", metrics=[])
    tell("ready", versions={name: version(name) for name in ("deepctr-torch", "torch", "numpy")})
    inputs = {name: columns(one) for name, one in parts.items()}
    best = np.inf
    for epoch in range(options.epochs):
        with measured() as training:
            model.fit(inputs["train"], parts["train"].label, BATCH, 1, verbose=0)
        said = model.predict(inputs["validation"], 4096)[:, 0].astype(np.float64)
        loss = log_loss(parts["validation"].label, said, parts["validation"].weight)
        if loss < best:
            best = loss
            np.save(options.out, model.predict(inputs["test"], 4096)[:, 0].astype(np.float64))
        tell(
            "epoch", epoch=epoch + 1, seconds=training.seconds, peak_megabytes=training.peak_megabytes, validation=loss
        )


def build(name: str, parts: dict[str, Arrays], regularization: float) -> Any:
    """The network with the columns that all sides have."""
    from deepctr_torch.inputs import DenseFeat, SparseFeat, VarLenSparseFeat
    from deepctr_torch.models import DCN, DIN, DeepFM

    train = parts["train"]
    n_items = max(int(max(one.item.max(), one.history.max())) for one in parts.values()) + 1
    sparse = [
        SparseFeat("item", n_items, SIZE), SparseFeat("hour", 25, SIZE), SparseFeat("weekday", 8, SIZE),
    ]  # fmt: skip
    history = VarLenSparseFeat(
        SparseFeat("hist_item", n_items, SIZE, embedding_name="item"), train.history.shape[1], "mean", "length"
    )
    features = [*sparse, DenseFeat("dense", train.dense.shape[1]), history]
    shared = {
        "dnn_hidden_units": HIDDEN, "dnn_dropout": DROPOUT, "l2_reg_embedding": regularization, "seed": 0,
        "init_std": 0.01,
    }  # fmt: skip
    if name == "DIN":
        return DIN(features, ["item"], att_hidden_size=(32,), **shared)
    if name == "DCNv2":
        return DCN(features, features, cross_num=2, cross_parameterization="matrix", **shared)
    return DeepFM(features, features, **shared)


def columns(one: Arrays) -> dict[str, Any]:
    """Columns by the names of the features."""
    return {
        "item": one.item, "hour": one.hour, "weekday": one.weekday, "dense": one.dense, "hist_item": one.history,
        "length": one.length,
    }  # fmt: skip


if __name__ == "__main__":
    main()
